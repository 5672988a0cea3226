// The local part of a mailbox address. Exists only by parsing or by making a new one, so a path
// built from it cannot leave its folder.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

/// `mbx-` and 32 lower-case hex digits.
class MailboxId {
public:
    /// Takes any case, gives lower case; nothing where the form is another.
    static std::optional<MailboxId> parse(std::string_view text);
    /// 128 random bits.
    static MailboxId generate();

    const std::string& str() const { return m_text; }
    auto operator<=>(const MailboxId&) const = default;

private:
    explicit MailboxId(std::string text) : m_text(std::move(text)) {}
    std::string m_text;
};

}  // namespace gateway
