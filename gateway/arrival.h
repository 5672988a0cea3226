// When a message arrived, as its id tells. Never reads a file.
#pragma once

#include <chrono>
#include <cstdint>

#include "gateway/base/clock.h"
#include "gateway/mail/message_id.h"

namespace gateway {

/// The first 48 bits of a UUIDv7 are the Unix time in milliseconds (RFC 9562 section 5.7).
inline WallTime arrivalOf(const MessageId& id) {
    const std::string digits = id.str().substr(0, 8) + id.str().substr(9, 4);
    const auto elapsed = static_cast<std::int64_t>(std::stoull(digits, nullptr, 16));
    return WallTime(std::chrono::milliseconds(elapsed));
}

}  // namespace gateway
