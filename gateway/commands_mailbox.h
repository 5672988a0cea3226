// `postern mailbox create|list|show|edit|suspend|activate|delete`: requests and what people see of
// the answers. Never touches a record itself.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "gateway/config.h"

namespace gateway {

struct MailboxArguments {
    std::optional<std::string> address;
    std::optional<std::string> name;
    std::optional<std::string> description;
    /// Pins by the names of `allow.*`, as typed; `none` takes one away.
    std::map<std::string, std::string> allow;
    bool passwordFromInput = false;
    bool discardMessages = false;
    bool json = false;
};

/// Each returns EX_OK, or throws Refusal or Error.
int createMailbox(const Config& config, const MailboxArguments& arguments);
int listMailboxes(const Config& config, const MailboxArguments& arguments);
int showMailbox(const Config& config, const MailboxArguments& arguments);
int editMailbox(const Config& config, const MailboxArguments& arguments);
int suspendMailbox(const Config& config, const MailboxArguments& arguments);
int activateMailbox(const Config& config, const MailboxArguments& arguments);
int deleteMailbox(const Config& config, const MailboxArguments& arguments);

}  // namespace gateway
