// What looks after the certificate, where its own disk fails: whoever waits is answered, nothing
// goes round in circles, and the server starts.
#include "acme/renewer.h"

#include <fstream>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include "acme/issued.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/net/tls.h"
#include "tests/acme/scripted_authority.h"
#include "tests/base/temporary_folder.h"

namespace {

using namespace std::chrono_literals;
using gateway::HttpAnswer;
using gateway::HttpCall;

struct Bench {
    Bench() {
        authority.orderStatus = "ready";
        authority.offersRevocation = true;
    }

    asio::awaitable<HttpAnswer> send(HttpCall call) {
        HttpAnswer answer = authority.answer(call);
        if (call.url == scripted::kHost + "cert/1") {
            const std::string key = gateway::readWhole(folder / "next.key", 10'000);
            answer.body = gateway::net::makeSelfSigned({"a.example.com"}, 90, key).certificate;
        }
        co_return answer;
    }

    asio::awaitable<void> use() {
        ++used;
        if (refusesUse) {
            throw gateway::Error(gateway::Error::Kind::Disk, "no use");
        }
        co_return;
    }

    void make() {
        acme::RenewerOptions options;
        options.directory = scripted::kHost + "dir";
        options.hostname = options.domain = "a.example.com";
        options.names = {"a.example.com"};
        options.revocationTime = 5s;
        renewer.emplace(
            io.get_executor(), folder, options, challenges,
            [this](HttpCall call) { return send(std::move(call)); },
            [this](std::shared_ptr<const gateway::net::TlsContext>) { return use(); });
    }

    /// What `ask` is told while the renewer runs; it must be told within half a minute.
    std::optional<acme::Failure> told(asio::awaitable<std::optional<acme::Failure>> ask) {
        std::optional<acme::Failure> failure;
        bool over = false;
        const auto end = [&](std::exception_ptr error, std::optional<acme::Failure> said) {
            CHECK(error == nullptr);
            failure = std::move(said);
            over = true;
            renewer->stop();
        };
        asio::co_spawn(io, renewer->run(), [](std::exception_ptr) {});
        asio::co_spawn(io, std::move(ask), end);
        io.restart();
        io.run_for(30s);
        const bool told = over;
        renewer->stop();
        io.restart();
        io.run();
        REQUIRE(told);
        CHECK_FALSE(renewer->status().isUnderWay);
        return failure;
    }

    /// Until so many certificates were put in use.
    asio::awaitable<std::optional<acme::Failure>> untilUsed(int times) {
        asio::steady_timer moment(io);
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (used < times && std::chrono::steady_clock::now() < end) {
            moment.expires_after(1ms);
            co_await moment.async_wait(asio::use_awaitable);
        }
        co_return std::nullopt;
    }

    std::string certificate() const {
        return gateway::readWhole(folder / "certificate.pem", 100'000);
    }

    shim::TemporaryFolder directory;
    std::filesystem::path folder = directory / "acme";
    scripted::Authority authority;
    acme::Challenges challenges;
    asio::io_context io{1};
    std::optional<acme::Renewer> renewer;
    int used = 0;
    bool refusesUse = false;
};

/// In the place of a file: what can neither be read nor replaced.
void block(const std::filesystem::path& file) {
    std::filesystem::create_directories(file / "in the way");
}

}  // namespace

TEST_CASE("who asks for a renewal is told how it went") {
    Bench bench;
    bench.make();
    std::vector<bool> underWay;  // whenever it says that something has changed
    bench.renewer->onChange([&] { underWay.push_back(bench.renewer->status().isUnderWay); });
    CHECK_FALSE(bench.told(bench.renewer->renewNow()).has_value());
    CHECK(std::find(underWay.begin(), underWay.end(), true) != underWay.end());
    CHECK_FALSE(underWay.back());
    CHECK(bench.used >= 1);
    CHECK(std::filesystem::exists(bench.folder / "certificate.pem"));
}

TEST_CASE("a certificate that cannot be read is no reason to ask for ever") {
    Bench bench;
    block(bench.folder / "certificate.pem");
    bench.make();
    const auto failure = bench.told(bench.renewer->renewNow());
    REQUIRE(failure.has_value());
    CHECK(failure->text.find("certificate.pem") != std::string::npos);
    CHECK(bench.authority.requests == 0);
}

TEST_CASE("a state that can be neither read nor saved stops no server, and no authority is asked") {
    Bench bench;
    block(bench.folder / "state.json");
    bench.make();
    const auto failure = bench.told(bench.renewer->renewNow());
    REQUIRE(failure.has_value());
    CHECK(failure->text.find("state.json") != std::string::npos);
    CHECK(bench.authority.count("new-order") == 0);
    CHECK(bench.renewer->status().failures == 0);
}

TEST_CASE("an account whose facts cannot be read stops no server") {
    Bench bench;
    block(acme::AcmeFolder(bench.folder).accountFolder(scripted::kHost + "dir") / "account.json");
    CHECK_NOTHROW(bench.make());
}

TEST_CASE("a revocation has an end, whatever the authority wants to be waited for") {
    Bench bench;
    bench.make();
    CHECK_FALSE(bench.told(bench.renewer->renewNow()).has_value());
    bench.authority.instead["revoke"] = {
        scripted::refusal(503, "serverInternal", "later", {{"Retry-After", "50"}})};
    bench.make();
    const auto failure = bench.told(bench.renewer->revoke(1));
    REQUIRE(failure.has_value());
    CHECK(failure->text.find("takes longer than 5 seconds") != std::string::npos);
    CHECK(bench.authority.count("revoke") == 1);
    CHECK_FALSE(acme::AcmeFolder(bench.folder).loadState().revocation.has_value());
}

TEST_CASE("a revocation that a crash came into is done at the next start, and another key serves") {
    for (const bool wasAnswered : {false, true}) {
        CAPTURE(wasAnswered);
        Bench bench;
        bench.make();
        CHECK_FALSE(bench.told(bench.renewer->renewNow()).has_value());
        const std::string before = bench.certificate();
        acme::AcmeFolder folder(bench.folder);
        acme::RenewalState state = folder.loadState();
        state.revocation = acme::Revocation{acme::heldOf(before).value().sha256, 4, wasAnswered};
        folder.saveState(state);
        bench.make();
        const int used = bench.used;
        CHECK_FALSE(bench.told(bench.untilUsed(used + 1)).has_value());
        CHECK(bench.authority.count("revoke") == (wasAnswered ? 0 : 1));
        if (!wasAnswered) {
            CHECK(bench.authority.last("revoke").payload.at("reason") == 4);
        }
        CHECK(bench.certificate() != before);
        const auto keyOf = [](const std::string& pair) {
            return pair.substr(pair.find("PRIVATE"));
        };
        CHECK(keyOf(bench.certificate()) != keyOf(before));
    }
}

TEST_CASE("a revocation that was refused is over, and one of a certificate that is gone as well") {
    Bench bench;
    bench.make();
    CHECK_FALSE(bench.told(bench.renewer->renewNow()).has_value());
    const std::string before = bench.certificate();
    bench.authority.instead["revoke"] = {scripted::refusal(403, "unauthorized", "not yours")};
    bench.make();
    const auto failure = bench.told(bench.renewer->revoke(1));
    REQUIRE(failure.has_value());
    CHECK(failure->text.find("not yours") != std::string::npos);
    CHECK(bench.certificate() == before);
    CHECK_FALSE(acme::AcmeFolder(bench.folder).loadState().revocation.has_value());

    bench.make();
    bench.authority.instead["revoke"] = {scripted::refusal(400, "alreadyRevoked")};
    CHECK_FALSE(bench.told(bench.renewer->revoke(1)).has_value());
    CHECK(bench.certificate() != before);
}

TEST_CASE("an order that was begun before a revocation is not gone on with: its key may be known") {
    Bench bench;
    bench.make();
    CHECK_FALSE(bench.told(bench.renewer->renewNow()).has_value());
    bench.authority.instead["cert/1"] = {scripted::refusal(429, "rateLimited")};
    bench.make();
    CHECK(bench.told(bench.renewer->renewNow()).has_value());
    const std::string known = gateway::readWhole(bench.folder / "next.key", 10'000);
    REQUIRE(std::filesystem::exists(bench.folder / "order.json"));
    bench.make();
    CHECK_FALSE(bench.told(bench.renewer->revoke(1)).has_value());
    CHECK_FALSE(bench.certificate().ends_with(known));
    CHECK(bench.authority.count("new-order") == 3);
}

TEST_CASE("a certificate that cannot be put in use is a failure that is told") {
    Bench bench;
    bench.refusesUse = true;
    bench.make();
    const auto failure = bench.told(bench.renewer->renewNow());
    REQUIRE(failure.has_value());
    CHECK(failure->text.find("no use") != std::string::npos);
    CHECK(bench.renewer->status().failures == 1);
}
