// An authority that means harm, or is broken: it ends its own order, and nothing else.
#include <doctest/doctest.h>

#include "acme/order.h"
#include "acme/renewal.h"
#include "tests/acme/scripted_authority.h"

namespace {

using scripted::answerOf;
using scripted::Authority;
using scripted::kHost;
using scripted::Play;
using Then = acme::Order::Then;

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

/// As many as fit into the largest answer that is read.
constexpr std::size_t kDepth = 120'000;

bool says(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// An authorization for that name, by http-01.
scripted::json authorizationFor(const std::string& name) {
    return {
        {"status", "pending"},
        {"identifier", {{"type", "dns"}, {"value", name}}},
        {"challenges", {{{"type", "http-01"}, {"token", "token"}, {"url", kHost + "chall/1"}}}}};
}

}  // namespace

TEST_CASE("JSON that is nested without end costs no stack, wherever it stands") {
    const std::string deep = nested(kDepth);
    const std::vector<std::pair<std::string, std::string>> answers{
        {"dir", R"({"newNonce":"https://ca.example.com/new-nonce","newAccount":
                    "https://ca.example.com/new-account","newOrder":
                    "https://ca.example.com/new-order","meta":{"x":)" +
                    deep + "}}"},
        {"new-order", R"({"status":"pending","authorizations":)" + deep + "}"},
        {"authz/msgw.example.com", R"({"status":"pending","challenges":)" + deep + "}"},
        {"order/1/finalize", R"({"status":"invalid","error":{"subproblems":)" + deep + "}}"}};
    for (const auto& [path, body] : answers) {
        CAPTURE(path);
        Authority authority;
        authority.instead[path] = {answerOf(200, body, {{"Location", kHost + "order/1"}})};
        Play play(authority);
        CHECK(play.run().next() == Then::Failed);
    }
    CHECK_FALSE(acme::parseRenewalInfo(R"({"suggestedWindow":)" + deep + "}").has_value());
}

TEST_CASE("brackets within texts are no depth") {
    Authority authority;
    authority.meta = {{"termsOfService", "\"\\" + std::string(200, '[')}};
    Play play(authority);
    CHECK(play.run().next() == Then::Finished);
}

TEST_CASE("a proof is given for the names that were ordered, and for no other") {
    for (const char* name : {"elsewhere.example.org", "127.0.0.1", "msgw1.example.com:8080/x?", "",
                             "a@169.254.169.254", "msgw1.example.com,DNS:x", "x\ny"}) {
        CAPTURE(name);
        Authority authority;
        authority.instead["authz/msgw.example.com"] = {answerOf(200, authorizationFor(name))};
        Play play(authority);
        CHECK(play.run().next() == Then::Failed);
        CHECK(play.presented == 0);
        CHECK(says(play.order->failure().text, "that was not ordered"));
        CHECK(authority.count("chall/1") == 0);
    }
    Authority authority;  // names are the same in any case
    authority.instead["authz/msgw.example.com"] = {
        answerOf(200, authorizationFor("MSGW.example.com"))};
    authority.authorizationStatus["msgw.example.com"] = "valid";  // once it was looked at
    Play play(authority);
    CHECK(play.run().next() == Then::Finished);
    CHECK(play.proofs.back().name == "msgw.example.com");
}

TEST_CASE("words stay short, however much there would be to say") {
    Authority authority;
    for (int i = 0; i < 5000; ++i) {
        authority.meta["profiles"]["profile-\x01-" + std::to_string(i)] = "x";
    }
    Play play(authority);
    play.wish.profile = "other";
    REQUIRE(play.run().next() == Then::Failed);
    CHECK(says(play.order->failure().advice, "profile-\\x01-0"));
    CHECK(play.order->failure().advice.size() < 600);

    Authority challenges;
    scripted::json many = authorizationFor("msgw.example.com");
    many["challenges"] = scripted::json::array();
    for (int i = 0; i < 5000; ++i) {
        many["challenges"].push_back({{"type", "odd-" + std::to_string(i)}});
    }
    challenges.instead["authz/msgw.example.com"] = {answerOf(200, many)};
    Play odd(challenges);
    REQUIRE(odd.run().next() == Then::Failed);
    CHECK(odd.order->failure().advice.size() < 600);
}

TEST_CASE("what goes into a CAA record is a host name, or is left out") {
    Authority authority;
    authority.meta["caaIdentities"] = {"x\"; issue \"evil.example", "a b", "", "ca.example.org"};
    Play play(authority);
    CHECK(play.run().next() == Then::Finished);
    CHECK(play.conversation.directory().caaIdentities ==
          std::vector<std::string>{"ca.example.org"});
}
