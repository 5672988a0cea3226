// `postern certificate …`: what the server shows to clients, and where it comes from.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

void addCertificateCommands(CLI::App& app, CommandLine& line);

}  // namespace gateway
