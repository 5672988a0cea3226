// Listening sockets: accept, count, and hand each connection to a coroutine of its own.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include "gateway/net/line_stream.h"

namespace gateway::net {

/// A protocol's server: its listeners and its open connections. Belongs to the I/O thread.
class Listener {
public:
    struct Limits {
        std::size_t connections = 1000;
        std::size_t connectionsPerAddress = 0;  ///< IPv6: per /64; 0: none
        /// Conversations are short: whoever comes is let in, and the oldest of whoever holds the
        /// most ends for it, whatever it is at.
        bool oldestGivesWay = false;
        std::string refusal;  ///< sent in clear text to the one too many, then close
    };
    /// Talks to one client until it is gone; may throw ConnectionEnded.
    using Converse = std::function<asio::awaitable<void>(LineStream&, bool tlsFromStart)>;

    /// `name` is for the log: "smtp".
    Listener(asio::io_context& io, std::string name, Limits limits, Converse converse);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// Binds and listens. "::" takes both families, and falls back to 0.0.0.0 (with a notice) where
    /// the machine has no IPv6. Returns the port. Throws Error (Busy, Network, Permission).
    std::uint16_t listen(const std::string& host, std::uint16_t port, bool tlsFromStart);
    /// Begins to accept on all that listens.
    void start();
    /// Takes no more connections, and ends those that wait for a command.
    void stop();
    /// Returns once no connection is left, or at `deadline`.
    asio::awaitable<void> drained(std::chrono::steady_clock::time_point deadline);
    /// Ends all connections, now.
    void abort();

    std::size_t connections() const { return m_streams.size(); }

private:
    struct Door {
        asio::ip::tcp::acceptor acceptor;
        bool tlsFromStart;
    };

    asio::awaitable<void> acceptLoop(Door& door);
    asio::awaitable<void> serve(asio::ip::tcp::socket socket, bool tlsFromStart);
    bool admits(const std::string& network);
    bool makePlace(std::size_t ownConnections);
    bool endOldest(const std::string& newcomer, bool ofItsOwn);
    asio::awaitable<void> refuse(LineStream& stream, bool tlsFromStart);
    std::size_t connectionsOf(const std::string& network) const;

    asio::io_context& m_io;
    std::string m_name;
    Limits m_limits;
    Converse m_converse;
    std::vector<std::unique_ptr<Door>> m_doors;
    std::vector<LineStream*> m_streams;  ///< the oldest first
    std::map<std::string, std::size_t> m_perNetwork;
    std::size_t m_refused = 0;  ///< since that was last said
    std::optional<std::chrono::steady_clock::time_point> m_refusedSaid;
    asio::steady_timer m_empty;  ///< cancelled when the last connection goes
    bool m_stopping = false;
};

}  // namespace gateway::net
