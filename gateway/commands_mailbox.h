// `postern mailbox create|list|show|edit|suspend|activate|delete`: requests and what people see of
// the answers. Never touches a record itself.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addMailboxCommands(CLI::App& app, CommandLine& line);

}  // namespace gateway
