// Lines, octets, deadlines and ends of a connection, over real loopback sockets.
#include "gateway/net/line_stream.h"

#include <future>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/net/talk.h"

namespace net = gateway::net;
using net::ConnectionEnded;
using net::LineStream;

namespace {

/// Reads `count` lines of at most `longest` octets, too long ones as "<too long>" and their first
/// four octets.
std::vector<std::string> linesOf(talk::Pair& pair, std::size_t count, std::size_t longest) {
    std::vector<std::string> lines;
    auto side = [&](LineStream& stream) -> asio::awaitable<void> {
        for (std::size_t i = 0; i < count; ++i) {
            const LineStream::Line line = co_await stream.readLine(longest);
            lines.push_back((line.tooLong ? "<too long>" : "") +
                            std::string(line.text.substr(0, line.tooLong ? 4 : line.text.size())));
        }
    };
    pair.run(side);
    return lines;
}

std::optional<ConnectionEnded::Why> endOf(talk::Pair& pair, const talk::Side& side) {
    try {
        pair.run(side);
        return std::nullopt;
    } catch (const ConnectionEnded& end) {
        return end.why;
    }
}

asio::awaitable<void> readOneLine(LineStream& stream) { co_await stream.readLine(100); }

}  // namespace

TEST_CASE("lines end by CRLF or LF; a bare CR is content") {
    talk::Pair pair;
    pair.send("one\r\ntwo\n\r\na\rb\r\n");
    CHECK(linesOf(pair, 4, 100) == std::vector<std::string>{"one", "two", "", "a\rb"});
}

TEST_CASE(
    "a line of the greatest length is taken, one octet more is too long and costs no memory") {
    talk::Pair pair;
    const std::string longest(4096, 'x');
    std::string huge(100'000, 'y');
    pair.send(longest + "\r\n");
    CHECK(linesOf(pair, 1, 4096) == std::vector<std::string>{longest});
    pair.send(longest + "x\r\nafter\r\n");
    CHECK(linesOf(pair, 2, 4096) == std::vector<std::string>{"<too long>xxxx", "after"});
    std::thread sender([&] { pair.send(huge + "\r\nlast\r\n"); });
    CHECK(linesOf(pair, 2, 4096) == std::vector<std::string>{"<too long>yyyy", "last"});
    sender.join();
}

TEST_CASE("a pipelined line is known to be there; half a line is not") {
    talk::Pair pair;
    pair.send("one\r\ntwo\r\nthr");
    auto side = [&](LineStream& stream) -> asio::awaitable<void> {
        co_await stream.readLine(100);
        CHECK(stream.lineBuffered());
        co_await stream.readLine(100);
        CHECK_FALSE(stream.lineBuffered());
    };
    pair.run(side);
}

TEST_CASE("octets after a line are given as they came, and a larger buffer keeps them") {
    talk::Pair pair;
    pair.send("BDAT 5\r\nabc\ndNOOP\r\n");
    std::string octets;
    std::string next;
    auto side = [&](LineStream& stream) -> asio::awaitable<void> {
        co_await stream.readLine(100);
        stream.resizeBuffer(65536);
        while (octets.size() < 5) {
            const std::string_view some = co_await stream.readSome();
            const std::string_view wanted = some.substr(0, 5 - octets.size());
            octets += wanted;
            stream.consume(wanted.size());
        }
        stream.resizeBuffer(LineStream::kBufferSize);
        const LineStream::Line line = co_await stream.readLine(100);
        next = line.text;
    };
    pair.run(side);
    CHECK(octets == "abc\nd");
    CHECK(next == "NOOP");
}

TEST_CASE("a deadline ends a wait, and one pushed forward does not end it early") {
    talk::Pair pair;
    auto side = [](LineStream& stream) -> asio::awaitable<void> {
        stream.expiresAfter(std::chrono::hours(1));
        stream.expiresAfter(std::chrono::milliseconds(1));
        co_await stream.readLine(100);
    };
    CHECK(endOf(pair, side) == ConnectionEnded::Why::TimedOut);

    talk::Pair patient;
    auto pushed = [&](LineStream& stream) -> asio::awaitable<void> {
        stream.expiresAfter(std::chrono::milliseconds(1));
        stream.expiresAfter(std::chrono::hours(1));
        asio::steady_timer later(patient.io(), std::chrono::milliseconds(30));
        later.async_wait([&](const asio::error_code&) { patient.send("in time\r\n"); });
        co_await stream.readLine(100);
    };
    CHECK_FALSE(endOf(patient, pushed).has_value());
}

TEST_CASE(
    "a peer that closes ends the read; one that does not read ends the write by the deadline") {
    talk::Pair pair;
    pair.client.close();
    CHECK(endOf(pair, readOneLine) == ConnectionEnded::Why::Closed);

    talk::Pair deaf;
    auto flood = [](LineStream& stream) -> asio::awaitable<void> {
        stream.expiresAfter(std::chrono::milliseconds(50));
        const std::string much(1 << 20, 'x');
        for (;;) {
            co_await stream.write(much);
        }
    };
    CHECK(endOf(deaf, flood) == ConnectionEnded::Why::TimedOut);
}

TEST_CASE("a stopping server ends the wait for a line, but not the one for data") {
    talk::Pair idle;
    asio::post(idle.io(), [&] { idle.stream().interrupt(); });
    CHECK(endOf(idle, readOneLine) == ConnectionEnded::Why::Stopping);

    talk::Pair busy;
    asio::post(busy.io(), [&] {
        busy.stream().interrupt();
        busy.send("data");
    });
    auto readsData = [](LineStream& stream) -> asio::awaitable<void> {
        co_await stream.readSome();
    };
    CHECK_FALSE(endOf(busy, readsData).has_value());
}

TEST_CASE("a peer that always has more to say leaves others their turn") {
    talk::Pair pair;
    // As much as the kernel takes: nobody has read yet, and none of it will have to be waited for.
    pair.client.non_blocking(true);
    std::size_t sent = 0;
    const std::string lines = [] {
        std::string text;
        for (int i = 0; i < 1000; ++i) {
            text += "NOOP\r\n";
        }
        return text;
    }();
    for (asio::error_code full; !full;) {
        sent += pair.client.write_some(asio::buffer(lines), full);
    }
    REQUIRE(sent > 20 * LineStream::kBufferSize);

    std::size_t read = 0;
    std::size_t readWhenOthersCame = 0;
    auto side = [&](LineStream& stream) -> asio::awaitable<void> {
        asio::post(pair.io(), [&] { readWhenOthersCame = read; });
        while (read < sent / 6) {
            co_await stream.readLine(100);
            ++read;
        }
    };
    pair.run(side);
    CHECK(readWhenOthersCame > 0);
    CHECK(readWhenOthersCame < 10 * LineStream::kBufferSize / 6);
}

TEST_CASE("a peer that always has more to say is held to its deadline, and ends with the server") {
    const auto talkUntilTheEnd = [](const std::function<void(talk::Pair&)>& end) {
        talk::Pair pair;
        std::thread chatterbox([&] {
            asio::error_code closed;
            const std::string lines(60'000, '\n');
            while (!closed) {
                asio::write(pair.client, asio::buffer(lines), closed);
            }
        });
        end(pair);
        auto side = [](LineStream& stream) -> asio::awaitable<void> {
            for (;;) {
                co_await stream.readLine(100);
            }
        };
        const auto why = endOf(pair, side);
        pair.client.shutdown(asio::socket_base::shutdown_both);
        chatterbox.join();
        return why;
    };
    CHECK(talkUntilTheEnd([](talk::Pair& pair) {
              pair.stream().expiresAfter(std::chrono::milliseconds(20));
          }) == ConnectionEnded::Why::TimedOut);
    CHECK(talkUntilTheEnd([](talk::Pair& pair) {
              asio::post(pair.io(), [&pair] { pair.stream().interrupt(); });
          }) == ConnectionEnded::Why::Stopping);
    CHECK(talkUntilTheEnd([](talk::Pair& pair) {
              asio::post(pair.io(), [&pair] { pair.stream().abort(); });
          }) == ConnectionEnded::Why::Stopping);
}

TEST_CASE("a peer that vanished without a word is noticed within a minute") {
    // The kernel's part is its own; ours is to ask for it.
    asio::io_context io;
    asio::ip::tcp::acceptor acceptor(io, {asio::ip::address_v4::loopback(), 0});
    asio::ip::tcp::socket client(io);
    client.connect(acceptor.local_endpoint());
    asio::ip::tcp::socket accepted = acceptor.accept();
    const int number = accepted.native_handle();
    const LineStream stream(std::move(accepted));
    const auto option = [number](int level, int name) {
        int value = 0;
        socklen_t size = sizeof value;
        REQUIRE(::getsockopt(number, level, name, &value, &size) == 0);
        return value;
    };
    CHECK(option(SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option(IPPROTO_TCP, TCP_KEEPIDLE) +
              option(IPPROTO_TCP, TCP_KEEPINTVL) * option(IPPROTO_TCP, TCP_KEEPCNT) <=
          60);
}

TEST_CASE("a peer that left is known to have, once none of its lines waits to be read") {
    talk::Pair pair;
    pair.send("one\r\ntwo\r\nhalf a li");
    auto side = [&](LineStream& stream) -> asio::awaitable<void> {
        co_await stream.readLine(100);
        CHECK_FALSE(stream.peerHasLeft());
        pair.client.shutdown(asio::ip::tcp::socket::shutdown_send);
        CHECK_FALSE(stream.peerHasLeft());
        const LineStream::Line line = co_await stream.readLine(100);
        CHECK(line.text == "two");
        while (!stream.peerHasLeft()) {  // until its FIN has come
        }
    };
    pair.run(side);
}

TEST_CASE("what comes while it is asked whether the peer has left is not lost") {
    talk::Pair pair;
    auto side = [&](LineStream& stream) -> asio::awaitable<void> {
        CHECK_FALSE(stream.peerHasLeft());
        pair.send("whole\r\n");
        CHECK_FALSE(stream.peerHasLeft());
        const LineStream::Line line = co_await stream.readLine(100);
        CHECK(line.text == "whole");
    };
    pair.run(side);
}

TEST_CASE(
    "what was pipelined in clear text before the handshake is forgotten (RFC 3207 section 6)") {
    talk::Pair pair;
    const auto made = net::makeSelfSigned({"msgw.example.com"}, 1);
    const net::TlsContext context(made.certificate, made.key, "1.2");
    pair.send("STARTTLS\r\nMAIL FROM:<injected@example.com>\r\n");
    std::string first;
    std::promise<void> clearTextRead;  // a hello that came with it would be forgotten too
    auto side = [&](LineStream& stream) -> asio::awaitable<void> {
        co_await stream.readLine(100);
        CHECK(stream.lineBuffered());
        clearTextRead.set_value();
        co_await stream.handshake(context);
        CHECK(stream.secured());
        CHECK(stream.tlsVersion() == "TLSv1.3");
        CHECK_FALSE(stream.lineBuffered());
        const LineStream::Line line = co_await stream.readLine(100);
        first = line.text;
        co_await stream.write("bye\r\n");
        stream.close();
    };
    std::thread peer([&] {
        const net::SslCtx clientContext(SSL_CTX_new(TLS_client_method()));
        const net::Ssl ssl(SSL_new(clientContext.get()));
        SSL_set_fd(ssl.get(), pair.client.native_handle());
        clearTextRead.get_future().wait();
        CHECK(SSL_connect(ssl.get()) == 1);
        SSL_write(ssl.get(), "EHLO safe\r\n", 11);
        std::array<char, 16> answer{};
        CHECK(SSL_read(ssl.get(), answer.data(), answer.size()) == 5);
        CHECK(SSL_read(ssl.get(), answer.data(), answer.size()) == 0);
        CHECK(SSL_get_shutdown(ssl.get()) == SSL_RECEIVED_SHUTDOWN);  // a proper end of TLS
    });
    pair.run(side);
    peer.join();
    CHECK(first == "EHLO safe");
}

TEST_CASE("the end of TLS ends the connection; clear text after it is never read") {
    talk::Pair pair;
    const auto made = net::makeSelfSigned({"msgw.example.com"}, 1);
    const net::TlsContext context(made.certificate, made.key, "1.2");
    auto side = [&](LineStream& stream) -> asio::awaitable<void> {
        co_await stream.handshake(context);
        co_await stream.readLine(100);
        co_await stream.readLine(100);
    };
    std::thread peer([&] {
        const net::SslCtx clientContext(SSL_CTX_new(TLS_client_method()));
        const net::Ssl ssl(SSL_new(clientContext.get()));
        SSL_set_fd(ssl.get(), pair.client.native_handle());
        SSL_connect(ssl.get());
        SSL_write(ssl.get(), "DATA\r\n", 6);
        SSL_shutdown(ssl.get());
        pair.send("in clear\r\n");
    });
    CHECK(endOf(pair, side) == ConnectionEnded::Why::Closed);
    peer.join();
}
