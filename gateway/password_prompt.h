// Where a command gets a password from: the terminal without echo, or a line of standard input.
// Never an argument: those are public to every user of the machine.
#pragma once

#include <optional>
#include <string>

#include "crypto/password.h"

namespace gateway {

/// Asks at the terminal where standard input is one, else takes the next line from there, without
/// its line end. Throws Refusal where there is none.
crypto::Password readPassword(const std::string& prompt);

/// The value of POSTERN_PASSWORD, where it is set; wiped there, so that /proc shows it no longer.
std::optional<crypto::Password> takePasswordFromEnvironment();

}  // namespace gateway
