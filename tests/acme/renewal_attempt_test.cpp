// An attempt against an authority made of answers: our own look at the challenges comes first, and
// nothing stays behind however it ends.
#include "acme/renewal_attempt.h"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "tests/acme/scripted_authority.h"
#include "tests/base/temporary_folder.h"

namespace {

using gateway::HttpAnswer;
using gateway::HttpCall;
using scripted::Authority;

struct Bench {
    Bench() {
        options.directory = scripted::kHost + "dir";
        options.names = {"msgw.example.com"};
    }

    /// What is at port 80 of each name.
    HttpAnswer world(const HttpCall& call) {
        asked.push_back(call.url);
        const std::string token = call.url.substr(call.url.rfind('/') + 1);
        const std::string* const ours = challenges.find(token);
        HttpAnswer answer = elsewhere;
        if (answer.status == 200 && answer.body.empty() && ours != nullptr) {
            answer.body = *ours;
        }
        return answer;
    }

    std::optional<acme::Failure> run() {
        acme::Workshop workshop{io.get_executor(),
                                worker,
                                folder,
                                options,
                                challenges,
                                [this](HttpCall call) -> asio::awaitable<HttpAnswer> {
                                    co_return call.url.starts_with(scripted::kHost)
                                        ? authority.answer(call)
                                        : world(call);
                                }};
        const acme::Ordered wanted{options.directory, "", options.names};
        acme::RenewalAttempt attempt(workshop, wanted, "");
        std::optional<acme::Failure> failure;
        std::exception_ptr thrown;
        auto coroutine = [&]() -> asio::awaitable<void> { failure = co_await attempt.run(); };
        asio::co_spawn(io, coroutine(), [&](std::exception_ptr error) { thrown = error; });
        io.restart();
        io.run();
        if (thrown) {
            std::rethrow_exception(thrown);
        }
        return failure;
    }

    shim::TemporaryFolder directory;
    acme::RenewerOptions options;
    Authority authority;
    acme::Challenges challenges;
    HttpAnswer elsewhere = scripted::answerOf(200, "");
    std::vector<std::string> asked;
    asio::io_context io{1};
    asio::thread_pool worker{1};
    acme::AcmeFolder folder{directory / "acme"};
};

bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("our own challenge is looked at first; a certificate that is none is not put in place") {
    Bench bench;
    const auto failure = bench.run();
    REQUIRE(bench.asked.size() == 1);
    CHECK(bench.asked[0] == "http://msgw.example.com/.well-known/acme-challenge/token-16");
    CHECK(bench.authority.count("chall/msgw.example.com") == 1);
    REQUIRE(failure.has_value());  // the scripted authority signs nothing
    CHECK(says(failure->text, "is of no use"));
    CHECK_FALSE(bench.folder.certificate().has_value());
    CHECK(bench.challenges.find("token-16") == nullptr);
    CHECK(bench.folder.knownAccount(bench.options.directory).url == scripted::kHost + "acct/1");
}

TEST_CASE("where somebody else answers, the authority is not asked to look") {
    for (const auto& [status, body] :
         std::vector<std::pair<int, std::string>>{{404, "not here"}, {200, "welcome"}}) {
        Bench bench;
        bench.elsewhere = scripted::answerOf(status, body);
        const auto failure = bench.run();
        REQUIRE(failure.has_value());
        CHECK(says(failure->text, "somebody else answers"));
        CHECK(says(failure->advice, "msgw.example.com lead to this server and twins of it only"));
        CHECK(bench.authority.count("chall/msgw.example.com") == 0);
        CHECK(bench.challenges.find("token-16") == nullptr);
    }
}

TEST_CASE(
    "an address that cannot be reached from inside proves nothing, but is told at a failure") {
    Bench bench;
    bench.elsewhere = scripted::silence(HttpAnswer::Trouble::Unreachable);
    bench.authority.instead["order/1/finalize"] = {scripted::refusal(403, "caa", "forbidden")};
    const auto failure = bench.run();
    REQUIRE(failure.has_value());
    CHECK(says(failure->text, "forbidden (caa)"));
    CHECK(says(failure->text, "seen from here, msgw.example.com cannot be reached at port 80"));
    CHECK(says(failure->advice, "CAA 0 issue"));
    bench.elsewhere = scripted::answerOf(301);  // authorities follow redirects
    CHECK(says(bench.run()->text, "is of no use"));
}

TEST_CASE("a hook that fails is quoted, and cleans up what it began") {
    Bench bench;
    bench.options.challenge = acme::ChallengeType::Dns01;
    bench.authority.challengeType = "dns-01";
    bench.options.hook = bench.directory / "hook";
    gateway::writeDurably(bench.options.hook,
                          "#!/bin/sh\necho \"$1 $2\" >> \"$0.log\"\ntest $1 = cleanup\n",
                          gateway::DurableFile::Existing::Replace, 0700);
    const auto failure = bench.run();
    REQUIRE(failure.has_value());
    CHECK(says(failure->text, "hook present _acme-challenge.msgw.example.com. exited with 1"));
    CHECK(gateway::readWhole(bench.directory / "hook.log", 1000) ==
          "present _acme-challenge.msgw.example.com.\ncleanup _acme-challenge.msgw.example.com.\n");
    CHECK(bench.authority.count("chall/msgw.example.com") == 0);
}

TEST_CASE("an HMAC key that is none stops the attempt before anybody is asked") {
    Bench bench;
    bench.options.bindingKeyId = "kid-1";
    bench.options.bindingKeyFile = bench.directory / "key";
    gateway::writeDurably(bench.options.bindingKeyFile, "not base64!\n");
    CHECK_THROWS_AS(bench.run(), gateway::Error);
    CHECK(bench.authority.requests == 0);
    gateway::writeDurably(bench.options.bindingKeyFile, "c2VjcmV0+/8=\n");  // padded, of section 4
    CHECK(bench.run().has_value());
    CHECK(bench.authority.last("new-account").payload.contains("externalAccountBinding"));
}
