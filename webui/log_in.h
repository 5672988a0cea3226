// Tries the passwords of web accounts: one at a time, networks in turn, wrong ones answered slower
// and slower (SPEC section 5). Never tells an unknown name from a wrong password, by words or by
// time, and never locks anybody out.
#pragma once

#include <string>

#include <asio/awaitable.hpp>

#include "crypto/password.h"
#include "gateway/net/turn_queue.h"
#include "webui/engine.h"

namespace webui {

/// Belongs to the I/O thread.
class LogIn {
public:
    explicit LogIn(const Engine& engine);

    /// Returns where that is the account's password. Throws Refused: 401 wrong_password, 429
    /// too_many where too many wait already, 503.
    asio::awaitable<void> tryPassword(std::string name, crypto::Password password,
                                      std::string peer);
    /// Answers a failure of another kind (a wrong set-up link) as slowly.
    asio::awaitable<void> slowDown(std::string peer);

private:
    [[noreturn]] void putOff(const std::string& network);

    const Engine& m_engine;
    gateway::net::TurnQueue m_queue;
    gateway::net::FailureDelay m_delay;
    gateway::net::PutOffs m_putOffs;
};

}  // namespace webui
