// `postern twin`: the nodes that this one shares its mailboxes with.
// Never prints a token but in an invitation.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addTwinCommands(CLI::App& app, CommandLine& line);

}  // namespace gateway
