// Looking inside a mailbox, as the page asks for it: values only. Never keeps the password longer
// than it takes to try it.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "crypto/password.h"
#include "gateway/net/http_stream.h"

namespace webui {

/// Whose messages, and what opens them.
struct MailboxPassword {
    MailboxPassword(std::string mailbox, crypto::Password secret, std::string client)
        : address(std::move(mailbox)), password(std::move(secret)), peer(std::move(client)) {}
    std::string address;
    crypto::Password password;
    std::string peer;
};

/// A message that was opened as far as to know that it can be; or why it is not.
struct OpenedMessage {
    nlohmann::json answer;  ///< for requireDone()
    std::shared_ptr<const gateway::net::HttpStream> stream;
};

}  // namespace webui
