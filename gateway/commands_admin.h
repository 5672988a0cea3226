// `postern admin …`: web accounts and API tokens.
// Never shows a hash, and a token only when it is made.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addAdminCommands(CLI::App& app, CommandLine& line);

}  // namespace gateway
