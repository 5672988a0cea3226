// Beginning, ending and telling a drain as requests and answers. Never waits until it is empty.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "gateway/config.h"

namespace gateway {

/// For Operations::perform(), whose contract holds. `operation` begins with "drain.".
///
/// drain.on    for? ("8h", or "ever"; 8 h where it is not there), without_twin? (that senders may
///             find nobody else is known) → drain {since, until (null: for ever)}, twin (whether
///             there is one). Of a drain under way `since` stays. Refused without a twin and
///             without `without_twin`, as a conflict
/// drain.off   → was (whether there was one)
/// drain.show  → drain (null where there is none), twin; of a running server `drain` also tells
///             what describeStatus() does
nlohmann::json performOnDrain(const Config& config, std::string_view operation,
                              nlohmann::json& request);

/// What a drain of a node without a twin means, in sentences.
std::string_view meaningWithoutTwin();

}  // namespace gateway
