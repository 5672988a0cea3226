// What commands and the page ask for, as one request object in and one answer object out. The same
// code serves the control socket of a running server and a command that holds the data directory's
// lock itself.
#pragma once

#include <nlohmann/json.hpp>

#include "gateway/config.h"
#include "gateway/mail/registry.h"
#include "gateway/store/message_store.h"

namespace gateway {

/// Blocking; one thread at a time (the server gives it a lane of its own on the workers).
class Operations {
public:
    Operations(const Config& config, RegistryKeeper& keeper, MessageStore& store);

    /// `request` = {"operation": "mailbox.create", …}. The answer is {"ok": true, …} or
    /// {"ok": false, "error": "a sentence", "exit": 64…78}. Never throws; an Error becomes an
    /// answer.
    nlohmann::json perform(const nlohmann::json& request) noexcept;

private:
    const Config& m_config;
    RegistryKeeper& m_keeper;
    MessageStore& m_store;
};

}  // namespace gateway
