// How a command gets its requests carried out: by the running server, or by itself under the lock
// where none runs. Never by both.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>

#include "gateway/base/durable_file.h"
#include "gateway/config.h"

namespace gateway {

/// Carries out one request after another. Where no server runs, the lock that the first one takes
/// is kept for those that follow. Blocking; one thread at a time.
class Carrier {
public:
    explicit Carrier(const Config& config);
    ~Carrier();
    Carrier(const Carrier&) = delete;
    Carrier& operator=(const Carrier&) = delete;

    /// Request and answer as in Operations; `file` is handed over with it, where there is one. A
    /// refusal is an answer {"ok": false, …}. Throws Error where neither way is open. A password in
    /// the request is wiped.
    nlohmann::json ask(nlohmann::json request, const Descriptor& file = {});
    /// The same; throws Refusal with what the answer says where it is {"ok": false}.
    nlohmann::json carryOut(nlohmann::json request, const Descriptor& file = {});

private:
    struct Here;
    const Config& m_config;
    std::unique_ptr<Here> m_here;  ///< where the lock was taken
};

/// Carries out one request.
nlohmann::json carryOut(const Config& config, nlohmann::json request);

}  // namespace gateway
