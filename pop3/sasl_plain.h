// The message of SASL PLAIN: RFC 4616.
// Looks at it in place and never copies it: it holds a password.
#pragma once

#include <optional>
#include <string_view>

namespace pop3 {

/// Views into the decoded message.
struct PlainMessage {
    std::string_view authorizationId;   ///< whom to act as; may be empty: as oneself
    std::string_view authenticationId;  ///< whose password it is
    std::string_view password;
};

/// `[authzid] NUL authcid NUL passwd` (RFC 4616 section 2); nothing where a name or the password is
/// empty, or a NUL more or less is there.
std::optional<PlainMessage> parsePlain(std::string_view decoded);

}  // namespace pop3
