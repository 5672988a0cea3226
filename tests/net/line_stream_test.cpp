// Lines, octets, deadlines and ends of a connection, over real loopback sockets.
#include "gateway/net/line_stream.h"

#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tests/net/talk.h"

namespace net = gateway::net;
using net::ConnectionEnded;
using net::LineStream;

namespace {

/// Reads `count` lines of at most `longest` octets, too long ones as "<too long>".
std::vector<std::string> linesOf(talk::Pair& pair, std::size_t count, std::size_t longest) {
    std::vector<std::string> lines;
    auto side = [&](LineStream& stream) -> asio::awaitable<void> {
        for (std::size_t i = 0; i < count; ++i) {
            const LineStream::Line line = co_await stream.readLine(longest);
            lines.push_back(line.tooLong ? "<too long>" : std::string(line.text));
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
    CHECK(linesOf(pair, 2, 4096) == std::vector<std::string>{"<too long>", "after"});
    std::thread sender([&] { pair.send(huge + "\r\nlast\r\n"); });
    CHECK(linesOf(pair, 2, 4096) == std::vector<std::string>{"<too long>", "last"});
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

TEST_CASE(
    "what was pipelined in clear text before the handshake is forgotten (RFC 3207 section 6)") {
    talk::Pair pair;
    const auto made = net::makeSelfSigned({"msgw.example.com"}, 1);
    const net::TlsContext context(made.certificate, made.key, "1.2");
    pair.send("STARTTLS\r\nMAIL FROM:<injected@example.com>\r\n");
    std::string first;
    auto side = [&](LineStream& stream) -> asio::awaitable<void> {
        co_await stream.readLine(100);
        CHECK(stream.lineBuffered());
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
