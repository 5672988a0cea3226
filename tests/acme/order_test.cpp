// An order against an authority made of answers: the plain way, and every branch off it.
#include "acme/order.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/acme/scripted_authority.h"

using namespace std::chrono_literals;
using acme::Order;
using scripted::answerOf;
using scripted::Authority;
using scripted::kHost;
using scripted::Play;
using scripted::refusal;
using Then = acme::Order::Then;
using Trouble = gateway::HttpAnswer::Trouble;
using nlohmann::json;

namespace {

bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the plain way: directory, nonce, account, order, proofs, certificate") {
    Authority authority;
    Play play(authority);
    play.registration.contact = "mailto:admin@example.com";
    Order& order = play.run();
    REQUIRE(order.next() == Then::Finished);
    CHECK(order.chain() == "-----BEGIN CERTIFICATE-----\n");
    CHECK(order.registered());
    CHECK(order.account().url == kHost + "acct/1");
    CHECK(order.account().contact == "mailto:admin@example.com");
    CHECK(authority.last("new-account").payload.at("contact") ==
          json::array({"mailto:admin@example.com"}));
    CHECK(authority.last("new-order").header.at("kid") == kHost + "acct/1");
    CHECK_FALSE(authority.last("new-order").payload.contains("profile"));
    CHECK_FALSE(authority.last("new-order").payload.contains("replaces"));
    CHECK(authority.last("order/1/finalize").payload.at("csr") == "Y3Ny");
    CHECK(authority.last("cert/1").payload.is_null());
    CHECK(authority.last("chall/msgw.example.com").payload == json::object());
    REQUIRE(play.proofs.size() == 2);
    CHECK(play.proofs[0].name == "msgw1.example.com");
    CHECK(play.proofs[0].token == "token-17");
    CHECK(play.proofs[0].keyAuthorization == "token-17." + play.key.thumbprint());
    CHECK(acme::dnsValueOf(play.proofs[0]).size() == 43);
    // dir, nonce, account, order, 2 authz, 2 chall, 2 polls, finalize, cert
    CHECK(authority.requests == 12);
    CHECK(play.pauses.empty());
}

TEST_CASE("an order that is ready or valid at once asks for no proof") {
    for (const std::string status : {"ready", "valid"}) {
        Authority authority;
        authority.orderStatus = status;
        Play play(authority);
        CHECK(play.run().next() == Then::Finished);
        CHECK(play.presented == 0);
        CHECK(authority.count("order/1/finalize") == (status == "ready" ? 1 : 0));
        CHECK(authority.count("authz/msgw.example.com") == 0);
    }
}

TEST_CASE("authorizations that are valid already are passed over") {
    Authority authority;
    authority.authorizationStatus["msgw.example.com"] = "valid";
    Play play(authority);
    CHECK(play.run().next() == Then::Finished);
    REQUIRE(play.proofs.size() == 1);
    CHECK(play.proofs[0].name == "msgw1.example.com");
    authority.authorizationStatus["msgw1.example.com"] = "valid";
    Play again(authority);
    CHECK(again.run().next() == Then::Finished);
    CHECK(again.presented == 0);
}

TEST_CASE("a wildcard and its domain are two proofs at one name, by DNS") {
    Authority authority;
    authority.challengeType = "dns-01";
    Play play(authority);
    play.wish.challenge = acme::ChallengeType::Dns01;
    play.wish.names = {"example.com", "*.example.com"};
    CHECK(play.run().next() == Then::Finished);
    REQUIRE(play.proofs.size() == 2);
    CHECK(play.proofs[0].name == "example.com");
    CHECK(play.proofs[1].name == "example.com");
    CHECK(acme::dnsValueOf(play.proofs[0]) != acme::dnsValueOf(play.proofs[1]));
}

TEST_CASE("a way of proof that is not offered is said, with those that are") {
    Authority authority;
    authority.challengeType = "dns-01";
    Play play(authority);
    Order& order = play.run();
    REQUIRE(order.next() == Then::Failed);
    CHECK(order.failure().text == "msgw1.example.com cannot be proved by http-01");
    CHECK(says(order.failure().advice, "other-01, dns-01"));
    CHECK(play.presented == 0);
    Play wildcard(authority);
    wildcard.wish.names = {"*.example.com"};
    CHECK(says(wildcard.run().failure().advice, "dns-01"));
}

TEST_CASE("bad nonces are tried again with the nonce of the refusal, 32 times") {
    Authority authority;
    authority.instead["new-order"] = std::deque(32, refusal(400, "badNonce"));
    Play play(authority);
    CHECK(play.run().next() == Then::Finished);
    CHECK(authority.count("new-order") == 33);
    CHECK(authority.requests == 44);  // no nonce was fetched in between
    authority.instead["new-order"] = std::deque(33, refusal(400, "badNonce"));
    Play hopeless(authority);
    CHECK(hopeless.run().next() == Then::Failed);
    CHECK(says(hopeless.order->failure().text, "refused 33 of its own nonces"));
    CHECK(authority.count("new-order") == 66);
}

TEST_CASE("an account whose address was lost is found again by its key; only then made") {
    Authority authority;
    Play play(authority);
    play.account.keyIsNew = false;
    CHECK(play.run().next() == Then::Finished);
    CHECK(play.order->registered());
    CHECK(authority.count("new-account") == 2);
    CHECK(authority.asked[0].payload == json{{"onlyReturnExisting", true}});
    authority.asked.clear();
    Play known(authority);
    authority.accounts = {known.key.jwk()};
    known.account.keyIsNew = false;
    CHECK(known.run().next() == Then::Finished);
    CHECK_FALSE(known.order->registered());
    CHECK(authority.count("new-account") == 1);
}

TEST_CASE("an account the authority has forgotten is made again, once") {
    Authority authority;
    authority.instead["new-order"] = {refusal(400, "accountDoesNotExist")};
    Play play(authority);
    play.account = {kHost + "acct/old", false, ""};
    CHECK(play.run().next() == Then::Finished);
    CHECK(play.order->registered());
    CHECK(play.order->account().url == kHost + "acct/1");
    authority.instead["new-order"] = std::deque(9, refusal(400, "accountDoesNotExist"));
    Play hopeless(authority);
    hopeless.account = {kHost + "acct/old", false, ""};
    CHECK(hopeless.run().next() == Then::Failed);
    CHECK(authority.count("new-order") == 4);
}

TEST_CASE("a contact that changed is told, once") {
    Authority authority;
    Play play(authority);
    play.account = {kHost + "acct/1", false, "mailto:old@example.com"};
    play.registration.contact = "mailto:new@example.com";
    CHECK(play.run().next() == Then::Finished);
    CHECK(authority.last("acct/1").payload ==
          json{{"contact", json::array({"mailto:new@example.com"})}});
    CHECK(play.order->account().contact == "mailto:new@example.com");
    CHECK(authority.count("new-account") == 0);
}

TEST_CASE("external account binding: required and missing is said, given is sent once") {
    Authority authority;
    authority.meta["externalAccountRequired"] = true;
    Play without(authority);
    CHECK(without.run().next() == Then::Failed);
    CHECK(says(without.order->failure().advice, "acme.eab_key_id"));
    CHECK(authority.count("new-account") == 0);
    Play with(authority);
    with.registration.bindingKeyId = "kid-1";
    with.registration.bindingKey = crypto::SecretBuffer(gateway::octetsOf("0123456789abcdef"));
    CHECK(with.run().next() == Then::Finished);
    const json binding = authority.last("new-account").payload.at("externalAccountBinding");
    const std::string payload =
        crypto::decodeBase64(binding.at("payload").get<std::string>(), crypto::Base64::Url).value();
    CHECK(payload == with.key.jwk());
}

TEST_CASE("a profile is sent; one that is not offered is refused with those that are") {
    Authority authority;
    authority.meta["profiles"] = {{"classic", "…"}, {"tlsserver", "…"}};
    Play play(authority);
    play.wish.profile = "tlsserver";
    CHECK(play.run().next() == Then::Finished);
    CHECK(authority.last("new-order").payload.at("profile") == "tlsserver");
    const std::size_t before = authority.requests;
    Play unknown(authority);
    unknown.wish.profile = "shortlive";
    CHECK(unknown.run().next() == Then::Failed);
    CHECK(says(unknown.order->failure().text, "no profile \"shortlive\""));
    CHECK(says(unknown.order->failure().advice, "classic, tlsserver"));
    CHECK(authority.requests == before + 1);
    authority.meta.clear();
    Play none(authority);
    none.wish.profile = "classic";
    CHECK(says(none.run().failure().advice, "offers none"));
}

TEST_CASE("replaces is sent where the authority knows it, and left out once it is refused") {
    Authority authority;
    Play silent(authority);
    silent.wish.replaces = "aki.serial";
    CHECK(silent.run().next() == Then::Finished);
    CHECK_FALSE(authority.last("new-order").payload.contains("replaces"));
    authority.offersRenewalInfo = true;
    authority.asked.clear();
    authority.instead["new-order"] = {refusal(409, "alreadyReplaced")};
    Play play(authority);
    play.wish.replaces = "aki.serial";
    CHECK(play.run().next() == Then::Finished);
    CHECK(authority.count("new-order") == 2);
    CHECK_FALSE(authority.last("new-order").payload.contains("replaces"));
    authority.instead["new-order"] = std::deque(5, refusal(409, "conflict"));
    authority.asked.clear();
    Play hopeless(authority);
    hopeless.wish.replaces = "aki.serial";
    CHECK(hopeless.run().next() == Then::Failed);
    CHECK(authority.count("new-order") == 2);
}

TEST_CASE("polling waits as long as it is told, by seconds or by a date, else 1, 2, 4, 8, 15") {
    Authority authority;
    const json pending{{"status", "pending"}};
    Play play(authority);
    play.wish.names = {"msgw.example.com"};
    auto& polls = authority.instead["authz/msgw.example.com"];
    polls = {
        answerOf(
            200,
            {{"status", "pending"},
             {"identifier", {{"value", "msgw.example.com"}}},
             {"challenges",
              {{{"type", "http-01"}, {"token", "t"}, {"url", kHost + "chall/msgw.example.com"}}}}}),
        answerOf(200, pending, {{"Retry-After", "7"}}),
        answerOf(200, pending, {{"Retry-After", "0"}}),
        answerOf(200, pending),
        answerOf(200, pending),
        answerOf(200, pending),
        answerOf(200, pending, {{"retry-after", "nonsense"}})};
    CHECK(play.run().next() == Then::Finished);
    CHECK(play.pauses == std::vector<std::chrono::seconds>{7s, 1s, 4s, 8s, 15s, 15s});
}

TEST_CASE("an authority that never comes to an end is left after a bounded number of questions") {
    Authority authority;
    Play play(authority);
    authority.instead["order/1/finalize"] = {answerOf(200, {{"status", "processing"}})};
    authority.instead["order/1"] = std::deque(1000, answerOf(200, {{"status", "processing"}}));
    CHECK(play.run().next() == Then::Failed);
    CHECK(authority.count("order/1") == Order::kMostPolls);
    CHECK(says(play.order->failure().text, "not come to an end"));
    Play patient(authority);
    authority.instead["order/1/finalize"] = {
        answerOf(200, {{"status", "processing"}}, {{"Retry-After", "7200"}})};
    CHECK(patient.run().next() == Then::Failed);
    CHECK(patient.order->failure().notBefore == patient.now + 7200s);
}

TEST_CASE("an order that is not ready is asked about, not given up") {
    Authority authority;
    Play play(authority);
    authority.instead["order/1/finalize"] = {
        refusal(403, "orderNotReady", "wait", {{"Retry-After", "3"}})};
    authority.instead["order/1"] = {
        answerOf(200, {{"status", "pending"}}),
        answerOf(200, {{"status", "ready"}}),
    };
    CHECK(play.run().next() == Then::Finished);
    CHECK(authority.count("order/1/finalize") == 2);
    CHECK(play.pauses.front() == 3s);
    Play never(authority);
    authority.asked.clear();
    authority.instead["order/1/finalize"] = std::deque(99, refusal(403, "orderNotReady"));
    authority.instead["order/1"] = std::deque(99, answerOf(200, {{"status", "ready"}}));
    CHECK(never.run().next() == Then::Failed);
    CHECK(authority.count("order/1/finalize") == Order::kMostFinalizes);
}

TEST_CASE("a certificate that is not there yet is asked for again, not for ever") {
    Authority authority;
    Play play(authority);
    authority.instead["cert/1"] = std::deque(3, answerOf(404));
    CHECK(play.run().next() == Then::Finished);
    CHECK(authority.count("cert/1") == 4);
    authority.instead["cert/1"] = std::deque(99, answerOf(404));
    authority.asked.clear();
    Play never(authority);
    CHECK(never.run().next() == Then::Failed);
    CHECK(authority.count("cert/1") == Order::kMostDownloads + 1);
}

TEST_CASE("an authority in trouble is tried three times, and waited for as it asks") {
    Authority authority;
    authority.instead["new-order"] = {refusal(500, "serverInternal"),
                                      answerOf(503, json::object(), {{"Retry-After", "20"}})};
    Play play(authority);
    CHECK(play.run().next() == Then::Finished);
    CHECK(play.pauses == std::vector<std::chrono::seconds>{2s, 20s});
    authority.instead["new-order"] = std::deque(9, answerOf(500, "<html>oops</html>"));
    authority.asked.clear();
    Play down(authority);
    CHECK(down.run().next() == Then::Failed);
    CHECK(authority.count("new-order") == 3);
    CHECK(says(down.order->failure().text, "HTTP status 500"));
    authority.instead["dir"] = std::deque(9, scripted::silence(Trouble::Unreachable));
    Play gone(authority);
    const std::size_t before = authority.requests;
    CHECK(gone.run().next() == Then::Failed);
    CHECK(authority.requests == before + 3);
    CHECK(says(gone.order->failure().text, "ca.example.com cannot be asked"));
    authority.instead["dir"] = {answerOf(503, json::object(), {{"Retry-After", "900"}})};
    Play busy(authority);
    CHECK(busy.run().next() == Then::Failed);
    CHECK(busy.order->failure().notBefore == busy.now + 900s);
}

TEST_CASE("a rate limit ends the attempt, with its end to the second") {
    Authority authority;
    authority.instead["new-order"] = {
        refusal(429, "rateLimited", "too many certificates", {{"Retry-After", "5400"}}),
        refusal(429, "rateLimited"),
        refusal(403, "rateLimited", "old style",
                {{"Retry-After", "Sun, 01 Jan 2040 00:00:00 GMT"}})};
    Play play(authority);
    CHECK(play.run().next() == Then::Failed);
    CHECK(play.order->failure().notBefore == play.now + 5400s);
    CHECK(says(play.order->failure().text, "too many certificates"));
    CHECK(authority.count("new-order") == 1);
    Play unsaid(authority);
    CHECK(unsaid.run().failure().notBefore == unsaid.now + 3600s);
    Play far(authority);
    CHECK(*far.run().failure().notBefore == far.now + 24h * 8);
}

TEST_CASE("a proof that fails is told in the authority's words, with what to do") {
    Authority authority;
    Play play(authority);
    play.wish.names = {"msgw.example.com"};
    authority.instead["authz/msgw.example.com"] = {
        answerOf(
            200,
            {{"status", "pending"},
             {"identifier", {{"value", "msgw.example.com"}}},
             {"challenges",
              {{{"type", "http-01"}, {"token", "t"}, {"url", kHost + "chall/msgw.example.com"}}}}}),
        answerOf(200, {{"status", "invalid"},
                       {"challenges",
                        {{{"type", "http-01"},
                          {"error",
                           {{"type", "urn:ietf:params:acme:error:connection"},
                            {"detail", "192.0.2.1: Connection\nrefused"}}}}}}})};
    CHECK(play.run().next() == Then::Failed);
    CHECK(play.order->failure().text ==
          "msgw.example.com: 192.0.2.1: Connection\\x0arefused (connection)");
    CHECK(says(play.order->failure().advice, "port 80"));
}

TEST_CASE("what is no answer of ACME ends in words: nothing throws, nothing loops") {
    const std::vector<gateway::HttpAnswer> odd{
        answerOf(200, "no json"),
        answerOf(200, json::array({1, 2})),
        answerOf(200, {{"status", 7}, {"authorizations", "x"}, {"finalize", json::object()}}),
        answerOf(201, {{"authorizations", {"http://ca.example.com/a"}}},
                 {{"Location", kHost + "order/1"}}),
        answerOf(201, {{"status", "pending"}, {"authorizations", {1, nullptr}}},
                 {{"Location", kHost + "order/1"}}),
        answerOf(201, {{"status", "pending"}}, {{"Location", "https://\r\n"}}),
        answerOf(302, json::object(), {{"Location", "https://elsewhere.example.com/"}}),
        answerOf(404, {{"type", 3}, {"detail", json::array()}, {"subproblems", {1}}}),
        answerOf(400, {{"subproblems", {{{"identifier", "x"}}}}}),
    };
    for (const std::string path : {"dir", "new-account", "new-order", "authz/msgw.example.com",
                                   "chall/msgw.example.com", "order/1/finalize", "cert/1"}) {
        for (const gateway::HttpAnswer& answer : odd) {
            Authority authority;
            authority.instead[path] = std::deque(99, answer);
            Play play(authority);
            play.wish.names = {"msgw.example.com"};
            Order& order = play.run();
            CAPTURE(path);
            CAPTURE(answer.body);
            CHECK((order.next() == Then::Failed || path == "cert/1" || path == "new-account" ||
                   path == "chall/msgw.example.com"));
            CHECK(authority.requests < 150);
        }
    }
}
