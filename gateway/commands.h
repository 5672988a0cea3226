// The command line: what there is to type, and which exit code it ends with.
// Never takes a secret as an argument.
#pragma once

namespace gateway {

/// Runs one command; the exit code is one of sysexits.h. What goes wrong is one line on standard
/// error that begins with "postern: ".
int runCommand(int argc, char** argv);

}  // namespace gateway
