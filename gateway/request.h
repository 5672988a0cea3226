// How a command gets its request carried out: by the running server, or by itself under the lock
// where none runs. Never by both.
#pragma once

#include <nlohmann/json.hpp>

#include "gateway/config.h"

namespace gateway {

/// Blocking. `request` and answer as in Operations. Throws Refusal with what the answer says where
/// it is {"ok": false}; Error where neither way is open. A password in the request is wiped.
nlohmann::json carryOut(const Config& config, nlohmann::json request);

}  // namespace gateway
