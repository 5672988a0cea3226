// An order that was cut short: gone on with from wherever it stands, by the key it was begun with,
// and begun anew where nothing is left of it.
#include <functional>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include "acme/certificate_request.h"
#include "acme/renewal_attempt.h"
#include "gateway/base/durable_file.h"
#include "gateway/net/tls_objects.h"
#include "tests/acme/scripted_authority.h"
#include "tests/base/temporary_folder.h"

namespace {

using namespace std::chrono_literals;
using gateway::HttpAnswer;
using gateway::HttpCall;
using nlohmann::json;
using scripted::answerOf;
using scripted::kHost;
using Then = acme::Order::Then;

const std::string kName = "msgw.example.com";

/// The certificate, signed anew with another beginning.
std::string beginning(const std::string& pem, const std::string& keyPem, gateway::WallTime at) {
    const auto key = gateway::net::privateKeyOf(keyPem);
    const auto certificate = gateway::net::nextCertificate(gateway::net::readOnly(pem).get());
    ASN1_TIME_set(X509_getm_notBefore(certificate.get()), std::chrono::system_clock::to_time_t(at));
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    return gateway::net::pemOf(certificate.get());
}

/// Attempts one after another on the same disk, as over restarts.
struct Bench {
    Bench() {
        options.directory = kHost + "dir";
        options.challenge = acme::ChallengeType::TlsAlpn01;  // nobody looks at it first
        authority.challengeType = "tls-alpn-01";
    }

    asio::awaitable<HttpAnswer> send(acme::Workshop& workshop, HttpCall call) {
        workshop.stopping = call.url == stopsAt;
        HttpAnswer answer = authority.answer(call);
        if (call.url == kHost + "cert/1" && answer.status == 200) {
            answer.body = issue(gateway::readWhole(directory / "acme/next.key", 10'000));
        }
        co_return answer;
    }

    std::optional<acme::Failure> run(const std::string& name = kName) {
        acme::Workshop workshop{io.get_executor(), worker, folder, options, challenges, {}};
        workshop.send = [&](HttpCall call) { return send(workshop, std::move(call)); };
        acme::RenewalAttempt attempt(workshop, {options.directory, "", {name}}, "");
        std::optional<acme::Failure> failure;
        auto coroutine = [&]() -> asio::awaitable<void> { failure = co_await attempt.run(); };
        asio::co_spawn(io, coroutine(), [](std::exception_ptr error) { CHECK(error == nullptr); });
        io.restart();
        io.run();
        return failure;
    }

    std::string key() const {
        const auto file = directory / "acme/next.key";
        return std::filesystem::exists(file) ? gateway::readWhole(file, 10'000) : "";
    }
    bool keeps() const { return std::filesystem::exists(directory / "acme/order.json"); }

    std::function<std::string(const std::string&)> issue = [](const std::string& key) {
        return gateway::net::makeSelfSigned({kName}, 10, key).certificate;
    };
    std::string stopsAt;
    shim::TemporaryFolder directory;
    acme::RenewerOptions options;
    scripted::Authority authority;
    acme::Challenges challenges;
    asio::io_context io{1};
    asio::thread_pool worker{1};
    acme::AcmeFolder folder{directory / "acme"};
};

}  // namespace

TEST_CASE("a server that stops at any request goes on with the order at its next start") {
    for (const char* at :
         {"authz/msgw.example.com", "chall/msgw.example.com", "order/1/finalize", "cert/1"}) {
        CAPTURE(at);
        Bench bench;
        bench.stopsAt = kHost + at;
        REQUIRE(bench.run().has_value());
        const std::string key = bench.key();
        bench.stopsAt.clear();
        CHECK_FALSE(bench.run().has_value());
        CHECK(bench.authority.count("new-order") == 1);
        CHECK(bench.authority.count("new-account") == 1);
        CHECK(bench.authority.count("order/1/finalize") == 1);
        CHECK(bench.folder.certificate().value_or("").ends_with(key));
        CHECK_FALSE(bench.keeps());
        CHECK(bench.key().empty());
    }
}

TEST_CASE("silence and limits leave the order as it is") {
    for (const HttpAnswer& fault :
         {scripted::silence(HttpAnswer::Trouble::Stopped),
          scripted::refusal(429, "rateLimited", "slowly", {{"Retry-After", "100"}})}) {
        CAPTURE(fault.status);
        Bench bench;
        bench.authority.orderStatus = "valid";
        bench.authority.instead["cert/1"] = {fault};
        REQUIRE(bench.run().has_value());
        CHECK(bench.keeps());
        CHECK_FALSE(bench.run().has_value());
        CHECK(bench.authority.count("new-order") == 1);
    }
}

TEST_CASE("an order that was judged, or is of no use, is not gone on with") {
    Bench refused;
    refused.authority.instead["order/1/finalize"] = {scripted::refusal(400, "badCSR")};
    REQUIRE(refused.run().has_value());
    CHECK_FALSE(refused.keeps());
    CHECK_FALSE(refused.run().has_value());
    CHECK(refused.authority.count("new-order") == 2);

    Bench useless;
    const auto good = useless.issue;
    useless.issue = [](const std::string& key) {
        return gateway::net::makeSelfSigned({"other.example.com"}, 10, key).certificate;
    };
    REQUIRE(useless.run().has_value());
    CHECK_FALSE(useless.keeps());
    useless.issue = good;
    CHECK_FALSE(useless.run().has_value());
    CHECK(useless.authority.count("new-order") == 2);
}

TEST_CASE("where nothing is left of it another one is made, by another key, at once") {
    for (const HttpAnswer& gone :
         {answerOf(404), answerOf(200, {{"status", "invalid"}}), answerOf(200, "no json"),
          answerOf(200, {{"status", "ready"}, {"authorizations", {"http://x"}}}),
          scripted::refusal(400, "accountDoesNotExist")}) {
        CAPTURE(gone.body);
        Bench bench;
        bench.stopsAt = kHost + "authz/msgw.example.com";
        REQUIRE(bench.run().has_value());
        const std::string key = bench.key();
        bench.stopsAt.clear();
        bench.authority.instead["order/1"] = {gone};
        CHECK_FALSE(bench.run().has_value());
        CHECK(bench.authority.count("new-order") == 2);
        CHECK_FALSE(bench.folder.certificate().value_or("").ends_with(key));
    }
}

TEST_CASE("other wishes, another account or another key make another order") {
    const auto orders = [](const std::function<void(Bench&)>& change, const std::string& name) {
        Bench bench;
        bench.issue = [&](const std::string& key) {
            return gateway::net::makeSelfSigned({name}, 10, key).certificate;
        };
        bench.stopsAt = kHost + "authz/msgw.example.com";
        REQUIRE(bench.run().has_value());
        bench.stopsAt.clear();
        change(bench);
        CHECK_FALSE(bench.run(name).has_value());
        return bench.authority.count("new-order");
    };
    CHECK(orders([](Bench&) {}, kName) == 1);
    CHECK(orders([](Bench&) {}, "other.example.com") == 2);
    CHECK(orders(
              [](Bench& bench) {
                  std::filesystem::remove(bench.folder.accountFolder(kHost + "dir") /
                                          "account.key");
              },
              kName) == 2);
    CHECK(orders(
              [](Bench& bench) {
                  gateway::writeDurably(bench.directory / "acme/next.key",
                                        acme::makeCertificateKey());
              },
              kName) == 2);
    CHECK(orders(
              [](Bench& bench) { gateway::writeDurably(bench.directory / "acme/order.json", "{"); },
              kName) == 2);
    CHECK(orders(
              [](Bench& bench) {
                  auto kept = bench.folder.keptOrder(std::chrono::system_clock::now());
                  REQUIRE(kept.has_value());
                  kept->until = std::chrono::system_clock::now() - 1s;
                  bench.folder.keepOrder(*kept);
              },
              kName) == 2);
}

TEST_CASE("a crash behind the certificate leaves no order that would be gone on with") {
    Bench bench;
    bench.stopsAt = kHost + "authz/msgw.example.com";
    REQUIRE(bench.run().has_value());
    const std::string key = bench.key();
    const auto now = std::chrono::system_clock::now();
    const auto kept = bench.folder.keptOrder(now);
    REQUIRE(kept.has_value());
    CHECK_FALSE(bench.folder.keptOrder(now + 13h).has_value());
    CHECK_FALSE(bench.folder.keptOrder(now - 24h * 9).has_value());  // by a clock that was wrong
    bench.folder.install(bench.issue(key), key);
    gateway::writeDurably(bench.directory / "acme/next.key", key);
    bench.folder.keepOrder(*kept);
    CHECK_FALSE(bench.folder.keptOrder(now).has_value());
}

TEST_CASE("a certificate that begins later is put in use then, from the same order") {
    Bench bench;
    const auto begins = std::chrono::system_clock::now() + 24h;
    const auto made = bench.issue;
    bench.issue = [&](const std::string& key) { return beginning(made(key), key, begins); };
    const auto failure = bench.run();
    REQUIRE(failure.has_value());
    CHECK(failure->text.find("is not valid before") != std::string::npos);
    CHECK(failure->notBefore.value_or(gateway::WallTime()) > begins - 2s);
    CHECK_FALSE(bench.folder.certificate().has_value());
    CHECK(bench.folder.keptOrder(begins + 1h).has_value());
    bench.issue = [&](const std::string& key) {  // its clock was fast by a moment only
        return beginning(made(key), key, std::chrono::system_clock::now() + 2s);
    };
    CHECK_FALSE(bench.run().has_value());
    CHECK(bench.authority.count("new-order") == 1);
    const std::string pair = bench.folder.certificate().value_or("");
    CHECK(gateway::net::certificateFacts(pair).begins <= std::chrono::system_clock::now());
}
