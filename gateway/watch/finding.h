// The parts that findings are put together from, for whoever judges: numbers in words, and until
// when senders wait. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gateway/watch/health.h"

namespace gateway {

using Findings = std::vector<HealthFinding>;

/// Until when mail systems go on trying what they tried first at `since`, by their makers'
/// documents.
std::vector<HealthFinding::Deadline> sendersGiveUp(WallTime since);

/// A further one, to be completed.
HealthFinding& add(Findings& findings, const char* kind, Severity severity, std::string text,
                   std::string advice);

/// Its address and what people call it.
std::string named(const HealthSnapshot::Mailbox& mailbox);

/// "1 message", "2 messages".
std::string counted(std::uint64_t count, const std::string& one, const std::string& many);

/// "4 days", "7 hours", "less than an hour".
std::string span(WallTime from, WallTime to);

}  // namespace gateway
