// The settings in force, each with where it was written, for the page. Never shows a secret, nor
// what a file holds that a setting names.
#pragma once

#include <nlohmann/json.hpp>

#include "gateway/config.h"

namespace gateway {

/// file, settings: of every key but those of [[twin]] in the order of the example file, {key,
/// value, default (null: there is none), line (null: not written there), effective (false: this
/// version does not act on it), secret (only where it is one: then value is null)}. Values are
/// texts, numbers or arrays of texts, as TOML has them.
nlohmann::json describeSettings(const Config& config);

}  // namespace gateway
