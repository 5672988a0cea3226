// `postern mailbox password`: a new password for a mailbox, or an old one that turned up again.
// Never keeps a secret longer than its request and the one line that shows it.
#pragma once

#include <string>

#include "gateway/config.h"

namespace gateway {

struct PasswordArguments {
    std::string address;
    bool reset = false;
    bool unlockEarlier = false;
    bool recover = false;
    bool json = false;
};

/// Returns EX_OK, or throws Refusal or Error.
int mailboxPassword(const Config& config, const PasswordArguments& arguments);

}  // namespace gateway
