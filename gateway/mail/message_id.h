// The name of a stored message: a UUIDv7 (RFC 9562 section 5.7), at once file name, POP3 unique-id
// (RFC 1939 section 7) and order of arrival; unique on all nodes, never used again.
#pragma once

#include <chrono>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"

namespace gateway {

/// 36 characters, lower case.
class MessageId {
public:
    /// Takes exactly the canonical lower-case form of a version 7 UUID.
    static std::optional<MessageId> parse(std::string_view text);
    /// Greater than every id this process made before, also when the clock jumps back. Any thread.
    static MessageId generate(WallTime now = std::chrono::system_clock::now());

    const std::string& str() const { return m_text; }
    auto operator<=>(const MessageId&) const = default;

private:
    explicit MessageId(std::string text) : m_text(std::move(text)) {}
    std::string m_text;
};

}  // namespace gateway
