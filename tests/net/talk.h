// A LineStream with a test's own socket at the other end, on a context the test runs to its end.
#pragma once

#include <exception>
#include <functional>
#include <string>
#include <string_view>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include "gateway/net/line_stream.h"

namespace talk {

using Side = std::function<asio::awaitable<void>(gateway::net::LineStream&)>;

/// Connects over loopback, runs `side` on the accepted end, and returns when it ended; what it
/// threw is thrown. `client` is the test's end, usable before and after run().
class Pair {
public:
    Pair() : client(m_io) {
        asio::ip::tcp::acceptor acceptor(
            m_io, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        client.connect(acceptor.local_endpoint());
        m_stream = std::make_unique<gateway::net::LineStream>(acceptor.accept());
    }

    void send(std::string_view text) {
        asio::write(client, asio::buffer(text.data(), text.size()));
    }

    void run(const Side& side) {
        std::exception_ptr thrown;
        // stop(): the stream's own timer may wait for an hour yet.
        asio::co_spawn(m_io, side(*m_stream), [&thrown, this](std::exception_ptr error) {
            thrown = error;
            m_io.stop();
        });
        m_io.restart();
        m_io.run();
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    }

    gateway::net::LineStream& stream() { return *m_stream; }
    asio::io_context& io() { return m_io; }

private:
    asio::io_context m_io{1};

public:
    asio::ip::tcp::socket client;

private:
    std::unique_ptr<gateway::net::LineStream> m_stream;
};

}  // namespace talk
