// Secrets in the JSON of requests and answers: taken out of its text before a parser sees it, and
// put into it after it was written, for nobody wipes the buffers of either. Never parses anything
// else: what is no JSON stays as it is, for the parser to refuse.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "crypto/password.h"

namespace crypto {

/// The texts of those fields of the outermost object that are secrets by their name, in order. In
/// `text` as many `x` stand in the place of each.
using Secrets = std::vector<std::pair<std::string, Password>>;
Secrets cutSecrets(std::string& text);

/// Puts them into the object that was read from the rest, where wipeSecrets() finds them.
void putBack(const Secrets& secrets, nlohmann::json& object);

/// The object as JSON, a line with its end, where its secrets are from then on, and only there: in
/// the object they are wiped, and `x` stand in their place. What is no UTF-8 is replaced.
std::string writeWithSecrets(nlohmann::json& object);

/// Wipes the secrets that are fields of the object.
void wipeSecrets(nlohmann::json& object);

}  // namespace crypto
