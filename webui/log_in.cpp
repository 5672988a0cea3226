#include "webui/log_in.h"

#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/base/log.h"
#include "gateway/net/offload.h"
#include "gateway/net/peer.h"
#include "webui/api.h"

namespace webui {

namespace {

/// One: a try takes 64 MiB and 0.1 s of a worker that archivers wait for too.
constexpr std::size_t kAtOnce = 1;

gateway::net::TurnQueue::Limits limits() {
    gateway::net::TurnQueue::Limits limits;
    limits.atOnce = kAtOnce;
    return limits;
}

}  // namespace

LogIn::LogIn(const Engine& engine) : m_engine(engine), m_queue(engine.io, limits()) {}

void LogIn::putOff(const std::string& network) {
    const std::size_t count = m_putOffs.add(network, std::chrono::steady_clock::now());
    if (count > 0) {
        gateway::log::notice("log-ins to the page put off: too many wait already",
                             {{"peer", network}, {"logins", count}});
    }
    throw Refused{429,
                  "too_many",
                  "Too many log-ins wait already; try again in some seconds.",
                  {{"Retry-After", "5"}}};  // RFC 6585 4
}

asio::awaitable<void> LogIn::slowDown(std::string peer) {
    const auto now = std::chrono::steady_clock::now();
    asio::steady_timer slowly(m_engine.io,
                              m_delay.afterFailure(gateway::net::networkOf(peer), now));
    co_await slowly.async_wait(asio::use_awaitable);
}

asio::awaitable<void> LogIn::tryPassword(std::string name, crypto::Password password,
                                         std::string peer) {
    const std::string network = gateway::net::networkOf(peer);
    bool fits = false;
    bool known = false;
    {
        const auto turn = co_await m_queue.turn(network);
        if (!turn) {
            putOff(network);
        }
        const auto admins = m_engine.admins();
        if (!admins) {
            throw Refused{
                503, "trouble",
                "The file of web accounts cannot be read; the log of the server says why."};
        }
        known = admins->hasAccount(name);
        auto verify = [&admins, &name, &password] { return admins->verify(name, password); };
        fits = co_await gateway::net::offload(m_engine.cpu, verify);
    }
    if (!fits) {
        // A name that nobody has is perhaps a password in the wrong field.
        gateway::log::notice("log-in to the page refused: wrong password or unknown account",
                             {{"account", known ? name : "(unknown)"}, {"peer", peer}});
        co_await slowDown(peer);
        throw Refused{401, "wrong_password", "There is no account of that name and password."};
    }
}

}  // namespace webui
