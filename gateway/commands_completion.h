// `postern completion bash|zsh`: the shell's completion script, made from the commands themselves,
// so that it never says anything else than they take. Never completes values out of the data.
#pragma once

#include "gateway/command_line.h"

namespace gateway {

/// Adds the command below `app`. It reads no configuration: a package is built where there is none.
void addCompletionCommand(CLI::App& app, CommandLine& line);

}  // namespace gateway
