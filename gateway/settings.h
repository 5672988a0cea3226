// The settings in force, each with where it was written, for the page. Never shows a secret, nor
// what a file holds that a setting names.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "gateway/config.h"
#include "gateway/config_keys.h"

namespace gateway {

/// file, settings: of every key but those of [[twin]] in the order of the example file, {key,
/// value, default (null: there is none), line (null: not written there), effective (false: this
/// version does not act on it), secret (only where it is one: then value is null)}. Values are
/// texts, numbers or arrays of texts, as TOML has them.
/// `written` is what the file had when it was read, as readConfigText() gives it.
nlohmann::json describeSettings(const Config& config,
                                const std::map<std::string, ConfigValue>& written);

}  // namespace gateway
