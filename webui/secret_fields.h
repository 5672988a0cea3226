// Secrets in the JSON of a request: taken out of its text before a parser sees it, whose buffers
// nobody wipes. Never parses anything else: what is no JSON stays as it is, for the parser to
// refuse.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/password.h"

namespace webui {

/// The texts of those fields of the outermost object that are secrets by their name, in order. In
/// `text` as many `x` stand in the place of each.
using Secrets = std::vector<std::pair<std::string, crypto::Password>>;
Secrets cutSecrets(std::string& text);

/// Puts them into the object that was read from the rest, where wipeSecrets() finds them.
void putBack(const Secrets& secrets, nlohmann::json& object);

/// Whether a field of that name holds a secret.
bool isSecret(std::string_view name);

/// Wipes the secrets that are fields of the object.
void wipeSecrets(nlohmann::json& object);

}  // namespace webui
