// The [[twin]] tables of postern.toml. Never opens the file that a token lies in.
#pragma once

#include <string>
#include <vector>

#include <toml++/toml.h>

#include "gateway/config_reader.h"

namespace gateway {

/// Reads what stands under `twin`; what is wrong with it becomes a problem.
std::vector<TwinSetting> readTwins(const toml::node& node, ConfigReading& reading);

}  // namespace gateway
