// Pairing with twins as requests and answers: invitations, who joined, who is removed. Never calls
// a twin, and never answers with a token but once.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "gateway/config.h"
#include "gateway/mail/registry.h"

namespace gateway {

/// For Operations::perform(), whose contract holds. `operation` begins with "twin.". Every change
/// is logged with who asked, as by performOnAdmins().
///
/// twin.list       → twins: what the files name; a running server tells more (twin_report.h)
/// twin.invite     url? (where the other node calls this one) → invitation (a line), url, expires,
///                 loopback (whether nobody on another machine can come there)
/// twin.accept     invitation (the id of its token), node, node_key, node_name, trusted? [{node,
///                 node_key}] → token (that the other node shows from now on), trusted
/// twin.joined     url, fingerprint, node, node_key, node_name, token, trusted? → twin
/// twin.remove     twin (its name, its node's id or its url) → name, node
nlohmann::json performOnTwins(const Config& config, RegistryKeeper& keeper,
                              std::string_view operation, nlohmann::json& request);

/// The nodes that this one lets speak, for one that it is paired with: [{node, node_key}].
nlohmann::json trustedByUs(const RegistryKeeper& keeper);

}  // namespace gateway
