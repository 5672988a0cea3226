// `postern backup export|import`: the records of all mailboxes as one file, and back.
// Never writes over a file that is no backup.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addBackupCommands(CLI::App& app, CommandLine& line);

}  // namespace gateway
