// Web accounts and API tokens as requests and answers. Never answers with a hash, and with a
// token only once.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "gateway/mail/layout.h"

namespace gateway {

/// For Operations::perform(), whose contract holds. `operation` begins with "admin.". Every change
/// is logged with who asked: `peer`, the user whom the control socket saw, and `user`, whom the
/// command says it runs for; or `by`, a text, where it came by the page.
///
/// admin.create     name, password, only_first? (only where there is no account) → name, created
/// admin.password   name, password → name
/// admin.token      name, scope → name, id, scope, created, token, account (whether there is one
///                  of that name)
/// admin.list       → admins: [{name, created (null without an account), tokens [{id, scope,
///                  created}]}]
/// admin.remove     name, token? (an id), keep_last? (not the only account) → name, account
/// (whether one went), tokens (how many went)
nlohmann::json performOnAdmins(const Layout& layout, std::string_view operation,
                               nlohmann::json& request);

}  // namespace gateway
