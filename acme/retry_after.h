// `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date. Never asks the clock itself.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/base/http_call.h"

namespace acme {

/// "Sun, 06 Nov 1994 08:49:37 GMT", the one form of RFC 9110 section 5.6.7 that is still sent.
std::optional<gateway::WallTime> parseHttpDate(std::string_view text);

/// How long from `now`: 0 where the date is past; at most 8 days; nothing where the answer does
/// not say.
std::optional<std::chrono::seconds> retryAfter(const gateway::HttpAnswer& answer,
                                               gateway::WallTime now);

}  // namespace acme
