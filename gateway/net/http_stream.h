// A response whose body is made while it is sent: a download, a stream of events. Never holds more
// of it than one piece, never sends one before the client took what came before.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include "gateway/net/http.h"
#include "gateway/net/line_stream.h"

namespace gateway::net {

/// Where a producer writes the body it makes. Belongs to the I/O thread, and to the one connection.
class HttpBody {
public:
    /// `head` goes out with the first piece. `length` as in HttpStream. `pace` is the time for each
    /// piece to be made, and for each part of it to be taken.
    HttpBody(LineStream& stream, std::string head, std::optional<std::uint64_t> length,
             std::chrono::milliseconds pace);

    /// Sends a piece; returns once the connection took all of it. Throws ConnectionEnded, as
    /// wait().
    asio::awaitable<void> write(std::string_view octets);

    /// Until `alarm` expires or is cancelled. Throws ConnectionEnded as soon as the client is gone
    /// or the server stops: then write() may still say good-bye.
    asio::awaitable<void> wait(asio::steady_timer& alarm);

    bool begun() const { return m_begun; }

    /// The producer returned: sends what ends the body. False where it is not whole.
    asio::awaitable<bool> end();

private:
    asio::awaitable<void> send(std::string_view octets);

    LineStream& m_stream;
    std::string m_head;
    std::optional<std::uint64_t> m_left;  ///< of the length; nothing: chunked (RFC 9112 7.1)
    std::chrono::milliseconds m_pace;
    bool m_begun = false;
};

/// How a response's body is made.
struct HttpStream {
    using Producer = std::function<asio::awaitable<void>(HttpBody& body)>;

    HttpStream(Producer producer, std::optional<std::uint64_t> octets = {})
        : produce(std::move(producer)), length(octets) {}

    /// Not called for HEAD. What it throws before its first piece becomes a 500; afterwards the
    /// connection ends without the end of the body, so that the client knows.
    Producer produce;
    std::optional<std::uint64_t> length;  ///< of the body, where it is known before
};

}  // namespace gateway::net
