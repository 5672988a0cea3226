// `postern receipts`: what a mailbox took on this node, and what became of it. Changes nothing.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addReceiptsCommand(CLI::App& app, CommandLine& line);

}  // namespace gateway
