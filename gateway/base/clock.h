// Time as text, in UTC. RFC 5322 section 3.3 for mail headers, RFC 3339 for everything else.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

/// Seconds and finer of wall time; never used to measure how long something took.
using WallTime = std::chrono::system_clock::time_point;

/// "Sun, 22 Nov 2026 10:00:00 +0000", whatever the locale.
std::string formatMailDate(WallTime time);

/// "2026-11-22T10:00:00Z", whole seconds.
std::string formatTimestamp(WallTime time);

/// Takes what formatTimestamp() gives for the years 1700 to 2200, and nothing else.
std::optional<WallTime> parseTimestamp(std::string_view text);

}  // namespace gateway
