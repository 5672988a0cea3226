// What an authority sends as a certificate, down to the file: only what fits our key gets there,
// and nothing else that it sent.
#include <functional>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include "acme/certificate_request.h"
#include "acme/renewal_attempt.h"
#include "gateway/base/durable_file.h"
#include "gateway/net/tls.h"
#include "tests/acme/scripted_authority.h"
#include "tests/base/temporary_folder.h"

namespace {

using gateway::HttpAnswer;
using gateway::HttpCall;

const std::string kName = "msgw.example.com";

std::string certificateOf(const std::string& key, int days = 10, const std::string& name = kName) {
    return gateway::net::makeSelfSigned({name}, days, key).certificate;
}

/// An order that is answered with what `issue` makes of the key it was made with.
struct Bench {
    using Issue = std::function<std::string(const std::string& key)>;

    explicit Bench(Issue how) : issue(std::move(how)) {
        options.directory = scripted::kHost + "dir";
        authority.orderStatus = "ready";
    }

    asio::awaitable<HttpAnswer> send(HttpCall call) {
        HttpAnswer answer = authority.answer(call);
        if (call.url == scripted::kHost + "cert/1") {
            answer.body = issue(gateway::readWhole(directory / "acme/next.key", 10'000));
        }
        co_return answer;
    }

    std::optional<acme::Failure> run() {
        acme::Workshop workshop{
            io.get_executor(), worker,     folder,
            options,           challenges, [this](HttpCall call) { return send(std::move(call)); }};
        acme::RenewalAttempt attempt(workshop, {options.directory, "", {kName}}, "");
        std::optional<acme::Failure> failure;
        auto coroutine = [&]() -> asio::awaitable<void> { failure = co_await attempt.run(); };
        asio::co_spawn(io, coroutine(), [](std::exception_ptr error) { CHECK(error == nullptr); });
        io.run();
        return failure;
    }

    Issue issue;
    shim::TemporaryFolder directory;
    acme::RenewerOptions options;
    scripted::Authority authority;
    acme::Challenges challenges;
    asio::io_context io{1};
    asio::thread_pool worker{1};
    acme::AcmeFolder folder{directory / "acme"};
};

std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
        ++found;
    }
    return found;
}

std::string failureOf(Bench::Issue issue) {
    Bench bench(std::move(issue));
    const auto failure = bench.run();
    CHECK_FALSE(bench.folder.certificate().has_value());
    REQUIRE(failure.has_value());
    CHECK(failure->text.find("is of no use") != std::string::npos);
    return failure->text;
}

}  // namespace

TEST_CASE("a pair that was put in place can be used, whatever came with the certificate") {
    const std::string foreign = acme::makeCertificateKey();
    const std::vector<std::pair<std::string, Bench::Issue>> chains{
        {"plain", [](const std::string& key) { return certificateOf(key); }},
        {"a key of theirs",
         [&](const std::string& key) { return foreign + certificateOf(key) + foreign; }},
        {"half a certificate",
         [](const std::string& key) {
             return certificateOf(key) + "-----BEGIN CERTIFICATE-----\nMIIB\n";
         }},
        {"no last line end",
         [](const std::string& key) {
             std::string pem = certificateOf(key);
             pem.pop_back();
             return pem;
         }},
        {"another one first",
         [&](const std::string& key) { return certificateOf(foreign) + certificateOf(key); }},
        {"words around it",
         [](const std::string& key) {
             return "hello \x1b[2J\n" + certificateOf(key) + std::string(100'000, 'x');
         }},
    };
    for (const auto& [what, issue] : chains) {
        CAPTURE(what);
        Bench bench(issue);
        CHECK_FALSE(bench.run().has_value());
        const std::string pair = bench.folder.certificate().value_or("");
        CHECK(count(pair, "PRIVATE KEY-----") == 2);  // begin and end of ours
        CHECK(count(pair, "BEGIN CERTIFICATE") == 1);
        CHECK(pair.find(foreign.substr(30, 60)) == std::string::npos);
        CHECK(pair.size() < 3000);
        CHECK_NOTHROW(gateway::net::TlsContext(pair, pair, "1.2"));
    }
}

TEST_CASE("what is no certificate for us is refused, and nothing is put in place") {
    failureOf([](const std::string&) { return ""; });
    failureOf([](const std::string&) { return certificateOf(acme::makeCertificateKey()); });
    failureOf([](const std::string& key) { return certificateOf(key, 10, "other.example.com"); });
    CHECK(failureOf([](const std::string& key) {
              return certificateOf(key, -1);
          }).find("expired") != std::string::npos);
    const auto many = [](const std::string& key) {
        std::string chain;
        for (int i = 0; i < 200; ++i) {
            chain += certificateOf(key);
        }
        return chain;
    };
    CHECK(failureOf(many).find("more than 32 certificates") != std::string::npos);
}

TEST_CASE("who is to wait longer than an attempt may take comes back then, and not before") {
    Bench bench([](const std::string&) { return ""; });
    bench.authority.instead["order/1/finalize"] = {
        scripted::answerOf(200, {{"status", "processing"}}, {{"Retry-After", "3000"}})};
    const auto before = std::chrono::system_clock::now();
    const auto failure = bench.run();
    REQUIRE(failure.has_value());
    CHECK(failure->notBefore.value_or(before) >= before + std::chrono::seconds(3000));
}
