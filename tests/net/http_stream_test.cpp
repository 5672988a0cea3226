// Responses whose body is made while it is sent: their form, their pace, and how they end.
#include "gateway/net/http_stream.h"

#include <optional>

#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <doctest/doctest.h>

#include "gateway/net/http_server.h"
#include "tests/net/talk.h"

namespace net = gateway::net;
using namespace std::chrono_literals;

namespace {

using Producer = net::HttpStream::Producer;

/// A server that answers everything by what `produce` makes.
class Streaming {
public:
    explicit Streaming(Producer produce, std::optional<std::uint64_t> length = {},
                       net::HttpServer::Options options = {})
        : m_none(nullptr),
          m_source(std::make_shared<const net::HttpStream>(std::move(produce), length)),
          m_server(std::move(options), m_none,
                   [this](const net::HttpRequest& /*request*/) { return answer(); }) {}

    asio::awaitable<void> converse(net::LineStream& stream) {
        return m_server.converse(stream, false);
    }

private:
    asio::awaitable<net::HttpResponse> answer() {
        net::HttpResponse response;
        response.fields.emplace_back("Content-Type", "text/x");
        response.stream = m_source;
        co_return response;
    }
    net::TlsHolder m_none;
    std::shared_ptr<const net::HttpStream> m_source;
    net::HttpServer m_server;
};

std::string get(const std::string& method, const std::string& version = "1.1",
                const std::string& connection = "close") {
    return method + " / HTTP/" + version + "\r\nHost: a\r\nConnection: " + connection + "\r\n\r\n";
}

/// Serves `said` and returns what was answered; `ended` becomes why the connection ended, if not
/// properly.
std::string answerTo(const std::string& said, Streaming& server,
                     std::optional<net::ConnectionEnded::Why>* ended = nullptr) {
    talk::Pair pair;
    pair.send(said);
    try {
        pair.run([&](net::LineStream& stream) { return server.converse(stream); });
    } catch (const net::ConnectionEnded& end) {
        if (ended != nullptr) {
            *ended = end.why;
        }
    }
    pair.stream().close();
    std::string answer;
    asio::error_code end;
    asio::read(pair.client, asio::dynamic_buffer(answer), end);
    return answer;
}

std::string bodyOf(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

asio::awaitable<void> twoPieces(net::HttpBody& body) {
    co_await body.write("first ");
    co_await body.write("");
    co_await body.write("second piece");
}

asio::awaitable<void> failAfter(net::HttpBody& body, bool begun) {
    if (begun) {
        co_await body.write("begun");
    }
    throw std::runtime_error("the secret cause");
}

asio::awaitable<void> forEver(net::HttpBody& body) {
    const std::string piece(1 << 20, 'x');
    for (;;) {
        co_await body.write(piece);
    }
}

}  // namespace

TEST_CASE("a body of unknown length comes in chunks, and the connection goes on") {
    Streaming server(twoPieces);
    const std::string answer = answerTo(get("GET", "1.1", "keep-alive") + get("GET"), server);
    CHECK(answer.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
    CHECK(answer.find("Content-Length") == std::string::npos);
    const std::string body = "6\r\nfirst \r\nc\r\nsecond piece\r\n0\r\n\r\n";
    CHECK(bodyOf(answer).starts_with(body + "HTTP/1.1 200 OK\r\n"));
    CHECK(answer.ends_with("Connection: close\r\n\r\n" + body));
}

TEST_CASE("a body of known length comes as it is") {
    Streaming server(twoPieces, 18);
    for (const char* version : {"1.1", "1.0"}) {
        const std::string answer = answerTo(get("GET", version), server);
        CHECK(answer.find("Content-Length: 18\r\n") != std::string::npos);
        CHECK(answer.find("Transfer-Encoding") == std::string::npos);
        CHECK(bodyOf(answer) == "first second piece");
    }
}

TEST_CASE("an empty body of either kind is whole") {
    const Producer nothing = [](net::HttpBody&) -> asio::awaitable<void> { co_return; };
    Streaming chunked(nothing);
    CHECK(bodyOf(answerTo(get("GET"), chunked)) == "0\r\n\r\n");
    Streaming counted(nothing, 0);
    CHECK(bodyOf(answerTo(get("GET"), counted)).empty());
}

TEST_CASE("a large piece is sent in parts, and is whole") {
    const std::string large(200'000, 'y');
    Streaming server([&](net::HttpBody& body) { return body.write(large); }, large.size());
    talk::Pair pair;
    pair.send(get("GET"));
    std::string answer;
    asio::async_read(pair.client, asio::dynamic_buffer(answer), asio::transfer_at_least(200'000),
                     [](const asio::error_code&, std::size_t) {});
    pair.run([&](net::LineStream& stream) { return server.converse(stream); });
    pair.stream().close();
    asio::error_code end;
    asio::read(pair.client, asio::dynamic_buffer(answer), end);
    CHECK(bodyOf(answer) == large);
}

TEST_CASE("HEAD gets the fields, and nothing is made") {
    bool made = false;
    Streaming server([&](net::HttpBody& body) {
        made = true;
        return twoPieces(body);
    });
    const std::string answer = answerTo(get("HEAD"), server);
    CHECK(answer.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
    CHECK(bodyOf(answer).empty());
    CHECK(!made);
}

TEST_CASE("HTTP/1.0 knows no chunks (RFC 9112 6.1)") {
    Streaming server(twoPieces);
    CHECK(answerTo(get("GET", "1.0"), server).starts_with("HTTP/1.1 505 "));
}

TEST_CASE("a producer that fails before its first piece is a 500, later a connection cut short") {
    Streaming before([](net::HttpBody& body) { return failAfter(body, false); });
    const std::string refused = answerTo(get("GET"), before);
    CHECK(refused.starts_with("HTTP/1.1 500 "));
    CHECK(refused.find("secret") == std::string::npos);

    for (const std::optional<std::uint64_t> length :
         {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(100)}) {
        Streaming after([](net::HttpBody& body) { return failAfter(body, true); }, length);
        std::optional<net::ConnectionEnded::Why> ended;
        const std::string cut =
            answerTo(get("GET", "1.1", "keep-alive") + get("GET"), after, &ended);
        CHECK(ended == net::ConnectionEnded::Why::Closed);
        CHECK(bodyOf(cut) == (length ? "begun" : "5\r\nbegun\r\n"));
    }
}

TEST_CASE("what does not have the length it said is not ended as if it had") {
    std::optional<net::ConnectionEnded::Why> ended;
    Streaming less(twoPieces, 19);
    CHECK(bodyOf(answerTo(get("GET", "1.1", "keep-alive"), less, &ended)) == "first second piece");
    CHECK(ended == net::ConnectionEnded::Why::Closed);
    ended.reset();
    Streaming more(twoPieces, 17);
    CHECK(bodyOf(answerTo(get("GET", "1.1", "keep-alive"), more, &ended)) == "first ");
    CHECK(ended == net::ConnectionEnded::Why::Closed);
}

TEST_CASE("a client that takes nothing is cut, and one that takes slowly is not") {
    net::HttpServer::Options options;
    options.response = 200ms;
    Streaming endless(forEver, {}, options);
    talk::Pair pair;
    pair.send(get("GET"));
    CHECK_THROWS_AS(pair.run([&](net::LineStream& stream) { return endless.converse(stream); }),
                    net::ConnectionEnded);

    // A part at a time, for longer than the limit in all.
    constexpr int kPieces = 6;
    Streaming slow(
        [](net::HttpBody& body) -> asio::awaitable<void> {
            asio::steady_timer alarm(co_await asio::this_coro::executor);
            for (int i = 0; i < kPieces; ++i) {
                co_await body.write("z");
                alarm.expires_after(100ms);
                co_await body.wait(alarm);
            }
        },
        kPieces, options);
    CHECK(bodyOf(answerTo(get("GET"), slow)) == "zzzzzz");
}

namespace {

/// Waits for events that never come; `ended` tells why it stopped.
Producer waiter(std::optional<net::ConnectionEnded::Why>& ended, bool saysGoodbye) {
    return [&ended, saysGoodbye](net::HttpBody& body) -> asio::awaitable<void> {
        asio::steady_timer alarm(co_await asio::this_coro::executor);
        co_await body.write("hello");
        try {
            for (;;) {
                alarm.expires_after(1h);
                co_await body.wait(alarm);
            }
        } catch (const net::ConnectionEnded& end) {
            ended = end.why;
        }
        if (saysGoodbye) {
            co_await body.write("bye");
        }
    };
}

/// Runs the server, and does `then` once the client has seen the body begin.
void runUntilBegun(talk::Pair& pair, Streaming& server, const std::function<void()>& then) {
    std::string seen;
    asio::async_read_until(pair.client, asio::dynamic_buffer(seen), "hello\r\n",
                           [&](const asio::error_code&, std::size_t) { then(); });
    try {
        pair.run([&](net::LineStream& stream) { return server.converse(stream); });
    } catch (const net::ConnectionEnded&) {
    }
}

}  // namespace

TEST_CASE("a client that goes away ends the producer that waits, at once") {
    std::optional<net::ConnectionEnded::Why> ended;
    Streaming server(waiter(ended, false));
    talk::Pair pair;
    pair.send(get("GET"));
    runUntilBegun(pair, server, [&] { pair.client.close(); });
    CHECK(ended == net::ConnectionEnded::Why::Closed);
}

TEST_CASE("a server that stops ends the producer that waits, which may say good-bye") {
    for (const bool saysMore : {false, true}) {
        std::optional<net::ConnectionEnded::Why> ended;
        Streaming server(waiter(ended, true));
        talk::Pair pair;
        pair.send(get("GET"));
        runUntilBegun(pair, server, [&] {
            if (saysMore) {  // a request that waits for its turn must not hide the end
                pair.send(get("GET"));
            }
            asio::post(pair.io(), [&] { pair.stream().interrupt(); });
        });
        CHECK(ended == net::ConnectionEnded::Why::Stopping);
        pair.stream().close();
        std::string answer;
        asio::error_code end;
        asio::read(pair.client, asio::dynamic_buffer(answer), end);
        CHECK(answer.find("3\r\nbye\r\n0\r\n\r\n") == 0);
    }
}
