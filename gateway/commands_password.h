// `postern mailbox password`: a new password for a mailbox, or an old one that turned up again.
// Never keeps a secret longer than its request and the one line that shows it.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addPasswordCommand(CLI::App& mailbox, CommandLine& line);

}  // namespace gateway
