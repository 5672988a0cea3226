// The side that calls: against a twin made of answers, well behaved or not. Whatever it says, an
// exchange ends, is bounded, and takes nothing that was not asked for.
#include "gateway/replica/twin.h"

#include <doctest/doctest.h>

#include "tests/replica/played_twin.h"

using namespace played;

TEST_CASE("after an exchange both know what either knew") {
    Pair pair;
    const MailboxId shared = MailboxId::generate();
    pair.ours.say(shared, "by us", 1);
    pair.theirs.say(shared, "by them", 1);
    for (int i = 0; i < 500; ++i) {
        pair.theirs.say(MailboxId::generate(), "theirs", 1);
        pair.ours.say(MailboxId::generate(), "ours", 1);
    }
    const TwinState state = pair.exchange();
    CHECK(state.error.empty());
    CHECK(state.inStep);
    CHECK(pair.ours.digests().size() == 1002);
    CHECK(pair.ours.digests() == pair.theirs.digests());
    CHECK(pair.asked.size() < 20);
}

TEST_CASE("where both know the same nothing is exchanged but a greeting") {
    Pair pair;
    pair.theirs.say(MailboxId::generate(), "theirs", 1);
    CHECK(pair.exchange().inStep);
    pair.asked.clear();
    CHECK(pair.exchange().inStep);
    CHECK(pair.asked == std::vector<std::string>{"POST /hello"});
}

TEST_CASE("what one side does not let count is not sent again and again, and shows") {
    Pair pair;
    pair.deaf = true;
    pair.theirs.say(MailboxId::generate(), "of a stranger", 1);
    pair.theirs.say(MailboxId::generate(), "of a stranger", 1);
    const TwinState state = pair.exchange(5);
    CHECK(state.error.empty());
    CHECK_FALSE(state.inStep);
    CHECK(state.differing == 2);
    CHECK(std::count(pair.asked.begin(), pair.asked.end(), "POST /records/fetch") == 1);
}

TEST_CASE("a twin that says anything else than it should ends its own exchange, with words") {
    // Whole JSON, of which a copy would be made level by level, on the stack.
    const std::string deep =
        R"({"error":)" + std::string(30'000, '[') + std::string(30'000, ']') + '}';
    Known stranger;
    stranger.say(MailboxId::generate(), "unasked", 1);
    const std::string unasked = stranger.portion({stranger.digests().begin()->first}).bundles[0];
    const std::vector<std::pair<std::string, HttpAnswer>> answers{
        {"/hello", answerOf(200, "")},
        {"/hello", answerOf(200, "[]")},
        {"/hello", answerOf(200, std::string(60'000, '['))},
        {"/hello", answerOf(500, deep)},
        {"/hello", answerOf(200, R"({"format":1,"digest":7})")},
        {"/hello", answerOf(401, R"({"error":{"message":"no such token"}})")},
        {"/hello", answerOf(500, R"({"error":7})")},
        {"/hello", answerOf(302, "", {{"Location", "https://elsewhere.test"}})},
        {"/records", answerOf(200, "nonsense\n")},
        {"/records", answerOf(404, "")},
        {"/records/fetch", answerOf(200, "nonsense", {{"X-Postern-Files", "1"}})},
        {"/records/fetch", answerOf(200, "")},
        {"/records/fetch", answerOf(200, "", {{"X-Postern-Files", "0"}})},
        {"/records/fetch", answerOf(200, "", {{"X-Postern-Files", "2"}})},
        {"/records/fetch", answerOf(200, "", {{"X-Postern-Files", "-1"}})},
        {"/records/fetch", answerOf(200, unasked, {{"X-Postern-Files", "1"}})},
    };
    for (const auto& [path, answer] : answers) {
        Pair pair;
        pair.theirs.say(MailboxId::generate(), "theirs", 1);
        pair.instead[path] = answer;
        const TwinState state = pair.exchange();
        const std::string what = path + ' ' + std::to_string(answer.status) + ' ' + answer.body;
        CHECK_MESSAGE(!state.error.empty(), what);
        CHECK_MESSAGE(!state.advice.empty(), what);
        CHECK_MESSAGE(!state.inStep, what);
        CHECK_MESSAGE(pair.ours.records.empty(), what);
        CHECK(state.failingSince);
        pair.instead.clear();  // and it is forgiven
        CHECK(pair.exchange().inStep);
    }
}

TEST_CASE("a list that never comes true does not keep the two busy") {
    Pair pair;
    Known other;
    for (int i = 0; i < 300; ++i) {
        other.say(MailboxId::generate(), "not there", 1);
    }
    pair.instead["/records"] = answerOf(200, formatList(other.digests()));
    pair.theirs.say(MailboxId::generate(), "theirs", 1);
    const TwinState state = pair.exchange(3);
    CHECK(state.differing == 300);
    CHECK(std::count(pair.asked.begin(), pair.asked.end(), "POST /records/fetch") == 2);
}

TEST_CASE("another node, another domain, this very node: none of them is the twin") {
    Pair pair;
    pair.expected = NodeId::generate();
    CHECK(pair.exchange().error.find("another node") != std::string::npos);
    pair.expected.reset();
    Greeting greeting = pair.theirs.greeting();
    greeting.domain = "elsewhere.test";
    pair.instead["/hello"] = answerOf(200, greeting.toJson().dump());
    CHECK(pair.exchange().advice.find("elsewhere.test") != std::string::npos);
    pair.instead["/hello"] = answerOf(200, pair.ours.greeting().toJson().dump());
    CHECK(pair.exchange().advice.find("copy") != std::string::npos);
}

TEST_CASE("a token that is none is never sent") {
    for (const char* text : {"", "\n", "two words", "a\r\nX-Other: header", "\x01"}) {
        Pair pair;
        pair.tokenText = text;
        CHECK(pair.exchange().error.find("token") != std::string::npos);
        CHECK(pair.asked.empty());
    }
}

TEST_CASE("network trouble is told in words that say what to do") {
    using Trouble = HttpAnswer::Trouble;
    for (const Trouble trouble : {Trouble::Unresolved, Trouble::Unreachable, Trouble::Tls,
                                  Trouble::TimedOut, Trouble::TooLarge, Trouble::Broken}) {
        Pair pair;
        HttpAnswer answer;
        answer.trouble = trouble;
        answer.cause = "the cause";
        pair.instead["/hello"] = answer;
        const TwinState state = pair.exchange();
        CHECK(state.error.find("the cause") != std::string::npos);
        CHECK_FALSE(state.advice.empty());
    }
}
