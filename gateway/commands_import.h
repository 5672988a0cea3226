// `postern message import`: messages from files into a mailbox.
// Never reads them as mail: the server does, or what holds the lock.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addImportCommand(CLI::App& message, CommandLine& line);

}  // namespace gateway
