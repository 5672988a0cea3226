// `postern message list|cat`: look inside a mailbox with its password.
// Never changes anything, and shows nothing without the password.
#pragma once

#include <string>

#include "gateway/config.h"

namespace gateway {

struct MessageArguments {
    std::string address;
    std::string uidl;
};

/// Each returns EX_OK, or throws Refusal or Error. The password comes from POSTERN_PASSWORD,
/// standard input or the terminal.
int listMessages(const Config& config, const MessageArguments& arguments);
int catMessage(const Config& config, const MessageArguments& arguments);

}  // namespace gateway
