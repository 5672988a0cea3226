// The HTTP client against a server that says whatever a test wants: what is answered, what is
// refused, and that nothing makes it wait or grow without end.
#include "gateway/net/http_client.h"

#include <array>
#include <csignal>
#include <thread>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>
#include <doctest/doctest.h>
#include <openssl/evp.h>

#include "gateway/base/durable_file.h"
#include "gateway/net/tls.h"
#include "tests/base/temporary_folder.h"

namespace {

using gateway::HttpAnswer;
using gateway::HttpCall;
using Trouble = gateway::HttpAnswer::Trouble;
using asio::ip::tcp;

/// Takes one connection at a port of the kernel's choice, reads one request, answers, closes.
class Server {
public:
    explicit Server(std::string answer, const gateway::net::TlsContext* tls = nullptr)
        : m_acceptor(m_io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
          m_answer(std::move(answer)) {
        m_thread = std::thread([this, tls] { serve(tls); });
    }
    ~Server() {
        asio::error_code ignored;
        tcp::socket(m_io).connect(m_acceptor.local_endpoint(), ignored);  // where nobody came
        m_thread.join();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::string url(const std::string& scheme = "http") const {
        return scheme + "://localhost:" + std::to_string(m_acceptor.local_endpoint().port()) + "/x";
    }
    /// What it read, once it has closed.
    const std::string& request() {
        m_thread.join();
        m_thread = std::thread([] {});
        return m_request;
    }

private:
    void serve(const gateway::net::TlsContext* tls) {
        tcp::socket socket = m_acceptor.accept();
        const auto ssl = tls != nullptr ? tls->newSession() : nullptr;
        if (ssl) {
            sigset_t brokenPipe;  // OpenSSL's own writes raise it where the client has gone
            sigemptyset(&brokenPipe);
            sigaddset(&brokenPipe, SIGPIPE);
            ::pthread_sigmask(SIG_BLOCK, &brokenPipe, nullptr);
            SSL_set_fd(ssl.get(), socket.native_handle());
            if (SSL_accept(ssl.get()) != 1) {
                return;
            }
        }
        std::array<char, 4096> part{};
        while (!whole()) {
            asio::error_code error;
            const int got = ssl ? SSL_read(ssl.get(), part.data(), part.size())
                                : static_cast<int>(socket.read_some(asio::buffer(part), error));
            if (got <= 0) {
                return;
            }
            m_request.append(part.data(), static_cast<std::size_t>(got));
        }
        if (m_answer.empty()) {
            asio::error_code ignored;  // silent until the client goes
            socket.read_some(asio::buffer(part), ignored);
        } else if (ssl) {
            SSL_write(ssl.get(), m_answer.data(), static_cast<int>(m_answer.size()));
            SSL_shutdown(ssl.get());
        } else {
            asio::error_code ignored;
            asio::write(socket, asio::buffer(m_answer), ignored);
        }
    }
    bool whole() const {
        const std::size_t end = m_request.find("\r\n\r\n");
        const bool hasBody = m_request.starts_with("POST");
        return end != std::string::npos && (!hasBody || m_request.ends_with("the end"));
    }

    asio::io_context m_io;
    tcp::acceptor m_acceptor;
    std::string m_answer;
    std::string m_request;
    std::thread m_thread;
};

/// A client and the context of its caller, which outlives it.
struct Caller {
    HttpAnswer ask(const HttpCall& call) {
        HttpAnswer answer;
        auto coroutine = [&]() -> asio::awaitable<void> { answer = co_await client.send(call); };
        asio::co_spawn(io, coroutine(), asio::detached);
        io.restart();
        io.run();
        return answer;
    }

    asio::io_context io{1};
    gateway::net::HttpClient client;
};

HttpCall callOf(std::string url) {
    HttpCall call;
    call.url = std::move(url);
    call.direct = true;
    return call;
}

}  // namespace

TEST_CASE("an answer: status, headers in any case, body; what was asked arrives") {
    Server server(
        "HTTP/1.1 201 Created\r\nReplay-Nonce: abc\r\nlink: <a>\r\nLink: <b>\r\n"
        "Content-Length: 5\r\n\r\nhello");
    Caller caller;
    HttpCall call = callOf(server.url());
    call.method = "POST";
    call.headers = {{"Content-Type", "application/jose+json"}};
    call.body = "this is the end";
    const HttpAnswer answer = caller.ask(call);
    CHECK(answer.trouble == Trouble::None);
    CHECK(answer.status == 201);
    CHECK(answer.body == "hello");
    CHECK(answer.header("replay-nonce") == "abc");
    CHECK(answer.header("LINK") == "<a>");
    CHECK_FALSE(answer.header("location").has_value());
    CHECK(server.request().starts_with("POST /x HTTP/1.1\r\n"));
    CHECK(server.request().find("Content-Type: application/jose+json\r\n") != std::string::npos);
    CHECK(server.request().find("Expect") == std::string::npos);
}

TEST_CASE("a redirect is an answer, and is not followed") {
    Server elsewhere("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    Server server("HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url() +
                  "\r\nContent-Length: 0\r\n\r\n");
    Caller caller;
    const HttpAnswer answer = caller.ask(callOf(server.url()));
    CHECK(answer.status == 302);
    CHECK(answer.header("location") == elsewhere.url());
}

TEST_CASE("what is too large ends the call: a body, and headers without end") {
    Caller caller;
    Server body("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x'));
    HttpCall call = callOf(body.url());
    call.mostBody = 1000;
    CHECK(caller.ask(call).trouble == Trouble::TooLarge);
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 1000; ++i) {
        many += "X-Header: " + std::string(90, 'x') + "\r\n";
    }
    Server headers(many + "\r\n");
    CHECK(caller.ask(callOf(headers.url())).trouble == Trouble::TooLarge);
}

TEST_CASE("each way of getting no answer has its name, and words") {
    Caller caller;
    std::string closed;
    {
        Server gone("x");
        closed = gone.url();
    }
    const HttpAnswer unreachable = caller.ask(callOf(closed));
    CHECK(unreachable.trouble == Trouble::Unreachable);
    CHECK_FALSE(unreachable.cause.empty());
    CHECK(caller.ask(callOf("http://nowhere.invalid/")).trouble == Trouble::Unresolved);
    Server silent("");
    HttpCall call = callOf(silent.url());
    call.time = std::chrono::milliseconds(50);
    CHECK(caller.ask(call).trouble == Trouble::TimedOut);
    Server broken("220 mail.example.com ESMTP\r\n");
    CHECK(caller.ask(callOf(broken.url())).trouble == Trouble::Broken);
    CHECK(caller.ask(callOf("ftp://localhost/")).trouble == Trouble::Broken);
    CHECK(caller.ask(callOf("file:///etc/hostname")).trouble == Trouble::Broken);
}

TEST_CASE("a server's certificate is verified, by the roots that were named") {
    const shim::TemporaryFolder folder;
    const auto made = gateway::net::makeSelfSigned({"localhost"}, 10);
    const gateway::net::TlsContext tls(made.certificate, made.key, "1.2",
                                       gateway::net::TlsProtocol::Http);
    gateway::writeDurably(folder / "ca.pem", made.certificate);
    Caller caller;
    Server stranger("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &tls);
    CHECK(caller.ask(callOf(stranger.url("https"))).trouble == Trouble::Tls);
    Server known("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", &tls);
    HttpCall call = callOf(known.url("https"));
    call.caFile = folder / "ca.pem";
    const HttpAnswer answer = caller.ask(call);
    CHECK(answer.trouble == Trouble::None);
    CHECK(answer.body == "ok");
    Server another("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &tls);
    call.url = another.url("https");
    call.caFile = folder / "missing.pem";
    CHECK(caller.ask(call).trouble == Trouble::Tls);
}

/// As openssl prints it: of the public key of what makeSelfSigned() made.
std::string pinOf(const std::string& certificatePem) {
    const std::string hex = gateway::net::certificateFacts(certificatePem).publicKeySha256;
    std::array<unsigned char, 32> octets{};
    for (std::size_t i = 0; i < octets.size(); ++i) {
        octets.at(i) = static_cast<unsigned char>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
    }
    std::array<unsigned char, 45> text{};
    EVP_EncodeBlock(text.data(), octets.data(), octets.size());
    return std::string(text.begin(), text.end() - 1);
}

TEST_CASE("a pinned key proves a server, and nothing else does, whoever was called before") {
    const auto made = gateway::net::makeSelfSigned({"elsewhere.test"}, 10);
    const auto other = gateway::net::makeSelfSigned({"localhost"}, 10);
    const gateway::net::TlsContext tls(made.certificate, made.key, "1.2",
                                       gateway::net::TlsProtocol::Http);
    const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    Caller caller;
    for (int round = 0; round < 2; ++round) {
        Server right(ok, &tls);
        HttpCall call = callOf(right.url("https"));
        call.pin = pinOf(made.certificate);
        CHECK(caller.ask(call).body == "ok");
        Server wrong(ok, &tls);
        call.url = wrong.url("https");
        call.pin = pinOf(other.certificate);
        const HttpAnswer answer = caller.ask(call);
        CHECK(answer.trouble == Trouble::Tls);
        CHECK(answer.body.empty());
        CHECK(answer.cause.find("pinned") != std::string::npos);
        CHECK(wrong.request().empty());
    }
}

TEST_CASE("a body may be taken as it comes, and is not kept then; of a refusal it is") {
    Caller caller;
    Server server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    HttpCall call = callOf(server.url());
    std::string taken;
    call.sink = [&taken](std::string_view octets) {
        taken += octets;
        return true;
    };
    CHECK(caller.ask(call).body.empty());
    CHECK(taken == "hello");
    Server refusing("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
    call.url = refusing.url();
    CHECK(caller.ask(call).body == "gone");
    CHECK(taken == "hello");
    Server long_("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x'));
    call.url = long_.url();
    call.mostBody = 1000;
    CHECK(caller.ask(call).trouble == Trouble::TooLarge);
    Server unwanted("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    call.url = unwanted.url();
    call.sink = [](std::string_view) { return false; };
    CHECK(caller.ask(call).trouble == Trouble::Broken);
}

TEST_CASE("a call whose answer falls silent ends") {
    Caller caller;
    Server silent("");
    HttpCall call = callOf(silent.url());
    call.quiet = std::chrono::seconds(1);
    CHECK(caller.ask(call).trouble == Trouble::TimedOut);
}

TEST_CASE("what is under way when it stops is answered, and so is what comes after") {
    Caller caller;
    Server silent("");
    HttpAnswer answer;
    auto coroutine = [&]() -> asio::awaitable<void> {
        answer = co_await caller.client.send(callOf(silent.url()));
    };
    asio::co_spawn(caller.io, coroutine(), asio::detached);
    caller.io.poll();
    caller.client.stop();
    caller.io.run();
    CHECK(answer.trouble == Trouble::Stopped);
    CHECK(caller.ask(callOf(silent.url())).trouble == Trouble::Stopped);
}
