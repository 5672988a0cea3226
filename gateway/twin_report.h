// How the exchange of records with the twins fares, as status, metrics and health tell it.
// A value; never asks a twin.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/config.h"
#include "gateway/watch/health.h"

namespace gateway {

struct TwinReport {
    std::string name;
    std::string node;           ///< its id; empty where it is not known
    std::string url;            ///< where this node calls it; empty where it calls this node
    std::string version;        ///< of its program, where it is known
    bool joined = false;        ///< by command; else it stands in postern.toml
    bool known = true;          ///< false: no server runs that could know how it fares
    bool reached = false;       ///< the last exchange, or its last call, was lately
    bool connected = false;     ///< changes are told at once
    bool inStep = false;        ///< both know the same
    std::size_t differing = 0;  ///< mailboxes, where this node has compared
    std::optional<WallTime> lastExchange;
    std::optional<WallTime> behindSince;  ///< where not in step: since when
    std::string error;
    std::string advice;
};

/// {name, node, url, version, joined, reached, connected, in_step, differing, last_exchange,
/// lag_seconds, error, advice}; null what is not known
nlohmann::json toJson(const TwinReport& report, WallTime now);

HealthSnapshot::Twin forHealth(const TwinReport& report);

/// The twins that the files name, where no server runs. Blocking; throws Error.
std::vector<TwinReport> twinsOnDisk(const Config& config);

}  // namespace gateway
