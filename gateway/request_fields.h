// The fields of a request, taken out of it and judged: texts on one line, names, passwords.
// Never keeps a secret: it is wiped in the request it is taken from.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/password.h"
#include "gateway/mail/registry.h"

namespace gateway {

/// Throws Refusal: the command is of a later version than the server.
[[noreturn]] void throwUnknownOperation(std::string_view operation);

/// The text of a field; nothing where it is not there. Throws Refusal where it is no text.
std::optional<std::string> fieldOf(const nlohmann::json& request, const char* name);

/// What people call a mailbox: one line, not empty. Throws Refusal.
std::string nameIn(const nlohmann::json& request);
/// Further words on one line; empty where there are none. Throws Refusal.
std::string descriptionIn(const nlohmann::json& request);

/// The mailbox that `address` names. Throws Refusal where there is none, or its record cannot be
/// read.
std::shared_ptr<const Mailbox> mailboxIn(const nlohmann::json& request, const Registry& registry,
                                         const std::string& domain);

/// The secret of that name; nothing where there is none.
std::optional<crypto::Password> takeSecret(nlohmann::json& request, const char* name);

/// Throws Refusal where POP3 cannot transport the password of an adopted mailbox.
void requireUsable(const crypto::Password& password);

}  // namespace gateway
