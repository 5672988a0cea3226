// `postern message list|cat`: look inside a mailbox with its password.
// Never changes anything, and shows nothing without the password, which comes from
// POSTERN_PASSWORD, standard input or the terminal.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addMessageCommands(CLI::App& app, CommandLine& line);

}  // namespace gateway
