// `postern drain`: no new mail for a while. Never waits until the node is empty.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addDrainCommands(CLI::App& app, CommandLine& line);

}  // namespace gateway
