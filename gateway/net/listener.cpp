#include "gateway/net/listener.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/net/peer.h"

namespace gateway::net {

namespace {

using asio::ip::tcp;

/// The kernel cuts it to net.core.somaxconn.
constexpr int kBacklog = 4096;
/// How long accept() rests after it failed (no descriptors left, most likely).
constexpr std::chrono::milliseconds kAcceptRest{500};
constexpr std::chrono::minutes kBetweenRefusals{1};

std::string describe(const std::string& host, std::uint16_t port) {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
           std::to_string(port);
}

Error::Kind kindOf(const asio::error_code& error) {
    if (error == asio::error::address_in_use) {
        return Error::Kind::Busy;
    }
    return error == asio::error::access_denied ? Error::Kind::Permission : Error::Kind::Network;
}

std::string adviceFor(const asio::error_code& error) {
    if (error == asio::error::address_in_use) {
        return ": the port is in use by another program; stop that one (ss -ltnp shows it) or "
               "choose "
               "another port";
    }
    if (error == asio::error::access_denied) {
        return ": ports below 1024 need the capability CAP_NET_BIND_SERVICE, which the service "
               "has; "
               "start it as the service or as root, or choose a higher port";
    }
    return ": " + error.message();
}

/// Opens, binds and listens; the error where one of them failed.
asio::error_code open(tcp::acceptor& acceptor, const tcp::endpoint& endpoint) {
    asio::error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (error) {
        return error;
    }
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (endpoint.address().is_v6()) {
        acceptor.set_option(asio::ip::v6_only(!endpoint.address().is_unspecified()), error);
    }
    acceptor.bind(endpoint, error);
    if (!error) {
        acceptor.listen(kBacklog, error);
    }
    return error;
}

}  // namespace

Listener::Listener(asio::io_context& io, std::string name, Limits limits, Converse converse)
    : m_io(io),
      m_name(std::move(name)),
      m_limits(std::move(limits)),
      m_converse(std::move(converse)),
      m_empty(io) {}

Listener::~Listener() = default;

std::uint16_t Listener::listen(const std::string& host, std::uint16_t port, bool tlsFromStart) {
    auto door = std::make_unique<Door>(Door{tcp::acceptor(m_io), tlsFromStart});
    asio::error_code error =
        open(door->acceptor, tcp::endpoint(asio::ip::make_address(host), port));
    const bool noIpv6 = error == asio::error::address_family_not_supported ||
                        error == asio::error_code(EADDRNOTAVAIL, asio::system_category());
    if (host == "::" && noIpv6) {
        log::notice("no IPv6 on this machine: listening on IPv4 only", {{"listener", m_name}});
        asio::error_code ignored;
        door->acceptor.close(ignored);
        error = open(door->acceptor, tcp::endpoint(asio::ip::address_v4::any(), port));
    }
    if (error) {
        throw Error(kindOf(error), "cannot listen on " + describe(host, port) + adviceFor(error));
    }
    const std::uint16_t bound = door->acceptor.local_endpoint().port();
    log::info("listening", {{"protocol", m_name},
                            {"address", describe(host, bound)},
                            {"tls", tlsFromStart ? "from the start" : "by command"}});
    m_doors.push_back(std::move(door));
    return bound;
}

void Listener::start() {
    for (const auto& door : m_doors) {
        asio::co_spawn(m_io, acceptLoop(*door), asio::detached);
    }
}

asio::awaitable<void> Listener::acceptLoop(Door& door) {
    asio::steady_timer rest(m_io);
    bool said = false;
    while (!m_stopping) {
        asio::error_code error;
        tcp::socket socket =
            co_await door.acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (!error) {
            said = false;
            asio::co_spawn(m_io, serve(std::move(socket), door.tlsFromStart), asio::detached);
            continue;
        }
        if (m_stopping || error == asio::error::operation_aborted) {
            co_return;
        }
        if (!said) {
            log::error("cannot accept connections; trying again",
                       {{"protocol", m_name}, {"cause", error.message()}});
            said = true;
        }
        rest.expires_after(kAcceptRest);
        co_await rest.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
}

std::size_t Listener::connectionsOf(const std::string& network) const {
    const auto known = m_perNetwork.find(network);
    return known == m_perNetwork.end() ? 0 : known->second;
}

bool Listener::admits(const std::string& network) {
    const std::size_t own = connectionsOf(network);
    if (m_limits.connectionsPerAddress > 0 && own >= m_limits.connectionsPerAddress) {
        return m_limits.oldestGivesWay && endOldest(network, true);
    }
    if (m_limits.oldestGivesWay && m_streams.size() >= m_limits.connections) {
        return endOldest(network, false);
    }
    return m_streams.size() < m_limits.connections || makePlace(own);
}

/// Where all places are taken, whoever holds the most of them gives one up that it does not use: so
/// one client cannot keep all others out.
bool Listener::makePlace(std::size_t ownConnections) {
    LineStream* victim = nullptr;
    std::pair<std::size_t, std::chrono::steady_clock::duration> most;
    const auto now = std::chrono::steady_clock::now();
    for (LineStream* const stream : m_streams) {
        const auto idleSince = stream->idleSince();
        const std::size_t count = connectionsOf(networkOf(stream->peer()));
        if (!idleSince || count <= ownConnections + 1) {
            continue;
        }
        const std::pair candidate(count, now - *idleSince);
        if (victim == nullptr || candidate > most) {
            victim = stream;
            most = candidate;
        }
    }
    if (victim != nullptr) {
        log::debug("idle connection ended for another client",
                   {{"protocol", m_name}, {"peer", victim->peer()}});
        victim->displace();
    }
    return victim != nullptr;
}

/// Of the newcomer's own network, or of the one that would hold the most with it; false where all
/// have been ended already.
bool Listener::endOldest(const std::string& newcomer, bool ofItsOwn) {
    LineStream* victim = nullptr;
    std::size_t most = 0;
    for (LineStream* const stream : m_streams) {
        const std::string its = networkOf(stream->peer());
        const bool isItsOwn = its == newcomer;
        const std::size_t count = connectionsOf(its) + (isItsOwn ? 1 : 0);
        if (!stream->hasEnded() && count > most && (isItsOwn || !ofItsOwn)) {
            victim = stream;
            most = count;
        }
    }
    if (victim != nullptr) {
        log::debug("the oldest connection ended for another client",
                   {{"protocol", m_name}, {"peer", victim->peer()}});
        victim->displace();
    }
    return victim != nullptr;
}

asio::awaitable<void> Listener::refuse(LineStream& stream, bool tlsFromStart) {
    ++m_refused;
    const auto now = std::chrono::steady_clock::now();
    if (!m_refusedSaid || now - *m_refusedSaid >= kBetweenRefusals) {
        log::notice("connections refused: too many",
                    {{"protocol", m_name}, {"peer", stream.peer()}, {"connections", m_refused}});
        m_refused = 0;
        m_refusedSaid = now;
    }
    if (!tlsFromStart) {
        try {
            stream.expiresAfter(std::chrono::seconds(5));
            co_await stream.write(m_limits.refusal);
        } catch (const ConnectionEnded&) {  // it will come again
        }
    }
    stream.close();
}

asio::awaitable<void> Listener::serve(tcp::socket socket, bool tlsFromStart) {
    LineStream stream(std::move(socket));
    const std::string network = networkOf(stream.peer());
    if (m_stopping || !admits(network)) {
        co_await refuse(stream, tlsFromStart);
        co_return;
    }
    m_streams.push_back(&stream);
    ++m_perNetwork[network];
    try {
        co_await m_converse(stream, tlsFromStart);
        stream.close();
        co_await stream.linger();
    } catch (const ConnectionEnded& end) {
        log::debug("connection ended",
                   {{"protocol", m_name}, {"peer", stream.peer()}, {"cause", end.what()}});
    } catch (const std::exception& error) {
        log::error("connection failed",
                   {{"protocol", m_name}, {"peer", stream.peer()}, {"cause", error.what()}});
    }
    if (--m_perNetwork[network] == 0) {
        m_perNetwork.erase(network);
    }
    std::erase(m_streams, &stream);
    if (m_streams.empty()) {
        m_empty.cancel();
    }
}

void Listener::stop() {
    m_stopping = true;
    for (const auto& door : m_doors) {
        asio::error_code ignored;
        door->acceptor.close(ignored);
    }
    for (LineStream* const stream : m_streams) {
        stream->interrupt();
    }
}

asio::awaitable<void> Listener::drained(std::chrono::steady_clock::time_point deadline) {
    while (!m_streams.empty() && std::chrono::steady_clock::now() < deadline) {
        m_empty.expires_at(deadline);
        asio::error_code error;
        co_await m_empty.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
}

void Listener::abort() {
    for (LineStream* const stream : m_streams) {
        stream->abort();
    }
}

}  // namespace gateway::net
