// The status of the gateway as people and monitoring read it, out of describeStatus()'s object.
// Never looks at anything else.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "gateway/config.h"

namespace gateway {

/// Several lines, warnings first.
std::string describeForPeople(const nlohmann::json& status);

/// The exit codes of monitoring plugins.
enum class CheckState { Ok = 0, Warning = 1, Critical = 2, Unknown = 3 };

/// The worst of its warnings.
CheckState checkState(const nlohmann::json& status);

/// "POSTERN WARNING - … | waiting=12;;;0 …": one line by the Monitoring Plugins Guidelines, with
/// the limits of `config` in its figures.
std::string checkLine(const nlohmann::json& status, const Config& config);

}  // namespace gateway
