// The server: owns every part in construction order, which is the architecture.
#pragma once

#include "gateway/config.h"

namespace gateway {

/// Runs `postern serve` in the foreground until SIGTERM or SIGINT; SIGHUP reloads. Returns the exit
/// code; throws Error where it cannot start, saying what to do.
int serve(const Config& config);

}  // namespace gateway
