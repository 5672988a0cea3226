// `postern status`: how the gateway fares, for people, for programs, for monitoring.
// Never changes anything.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addStatusCommand(CLI::App& app, CommandLine& line);

}  // namespace gateway
