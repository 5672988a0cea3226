// The HTTP server: every dialogue of tests/dialogues/http, and what one client alone does not show.
#include "gateway/net/http_server.h"

#include <algorithm>

#include <asio/read.hpp>
#include <doctest/doctest.h>

#include "tests/net/http_dialogue.h"
#include "tests/net/talk.h"

namespace net = gateway::net;
using namespace std::chrono_literals;

namespace {

asio::awaitable<net::HttpResponse> hello(net::HttpRequest /*request*/) {
    co_return net::HttpResponse::text(200, "hello\n");
}

/// Serves one connection to its end. Returns whether it ended because time was up.
bool timesOut(talk::Pair& pair, net::HttpServer& server) {
    try {
        pair.run([&](net::LineStream& stream) { return server.converse(stream, false); });
    } catch (const net::ConnectionEnded& end) {
        return end.why == net::ConnectionEnded::Why::TimedOut;
    }
    return false;
}

}  // namespace

TEST_CASE("every dialogue, whole, octet by octet and in pieces") {
    const std::filesystem::path folder = std::string(POSTERN_TESTS_FOLDER) + "/dialogues/http";
    std::size_t played = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".txt") {
            continue;
        }
        const auto steps = http_dialogue::read(entry.path());
        for (const std::size_t piece : {std::size_t{1} << 20U, std::size_t{1}, std::size_t{7}}) {
            const auto wrong = http_dialogue::play(steps, piece);
            const std::string text = wrong.value_or("");
            CHECK_MESSAGE(!wrong, text, ", in pieces of ", piece);
        }
        ++played;
    }
    CHECK(played >= 50);
}

TEST_CASE("a client that says nothing, half a header or half a body is cut") {
    const net::TlsHolder none(nullptr);
    for (const std::string said : {"", "GET / HTTP/1.1\r\nHost: a\r\n",
                                   "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab"}) {
        net::HttpServer::Options options;
        options.mostBody = [](const net::HttpRequest&) { return std::size_t{10}; };
        options.idle = said.empty() ? 50ms : 1h;
        options.header = said.ends_with("a\r\n") ? 50ms : 1h;
        options.body = said.ends_with("ab") ? 50ms : 1h;
        net::HttpServer server(options, none, hello);
        talk::Pair pair;
        pair.send(said);
        CHECK(timesOut(pair, server));
    }
}

TEST_CASE("the time for a header is not prolonged by sending more of it") {
    const net::TlsHolder none(nullptr);
    net::HttpServer::Options options;
    options.header = 100ms;
    net::HttpServer server(options, none, hello);
    talk::Pair pair;
    pair.send("GET / HTTP/1.1\r\n");
    asio::steady_timer drip(pair.io());
    std::function<void()> next = [&] {
        drip.expires_after(10ms);
        drip.async_wait([&](const asio::error_code& error) {
            asio::error_code ignored;
            if (!error) {
                asio::write(pair.client, asio::buffer("X: y\r\n", 6), ignored);
                next();
            }
        });
    };
    next();
    CHECK(timesOut(pair, server));
}

TEST_CASE("a handler that fails is a 500 without details, and the connection goes on") {
    const net::TlsHolder none(nullptr);
    net::HttpServer server({}, none,
                           [](const net::HttpRequest&) -> asio::awaitable<net::HttpResponse> {
                               throw std::runtime_error("the secret cause");
                           });
    talk::Pair pair;
    pair.send(
        "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    pair.run([&](net::LineStream& stream) { return server.converse(stream, false); });
    pair.stream().close();
    std::string answer;
    asio::error_code end;
    asio::read(pair.client, asio::dynamic_buffer(answer), end);
    CHECK(answer.find("HTTP/1.1 500 ") == 0);
    CHECK(answer.rfind("HTTP/1.1 500 ") > 0);
    CHECK(answer.find("secret") == std::string::npos);
}

TEST_CASE("a value from outside makes no field of its own") {
    net::HttpResponse response;
    response.fields.emplace_back("Location", "/a\r\nSet-Cookie: b");
    const std::string octets = net::wireForm(response, false, true, gateway::WallTime());
    CHECK(octets.find("Location: /a\r\n") != std::string::npos);
    CHECK(octets.find("Set-Cookie") == std::string::npos);
    CHECK(octets.find("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n") != std::string::npos);
}

TEST_CASE("a connection ends after its number of requests, and says so") {
    const net::TlsHolder none(nullptr);
    net::HttpServer::Options options;
    options.requests = 2;
    net::HttpServer server(options, none, hello);
    talk::Pair pair;
    for (int i = 0; i < 3; ++i) {
        pair.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    pair.run([&](net::LineStream& stream) { return server.converse(stream, false); });
    pair.stream().close();
    std::string answer;
    asio::error_code end;
    asio::read(pair.client, asio::dynamic_buffer(answer), end);
    CHECK(answer.find("Connection: keep-alive") < answer.find("Connection: close"));
    CHECK(answer.find("hello", answer.find("Connection: close")) == answer.rfind("hello"));
}
