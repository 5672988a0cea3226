// What is found about the node as a whole beside its mailboxes: twins, drain, webhook.
#include "tests/watch/health_fixture.h"

using namespace health_test;

TEST_CASE("a twin is named once it is behind for five minutes") {
    HealthSnapshot snapshot = well();
    HealthSnapshot::Twin& twin = snapshot.twins.emplace_back();
    twin.name = "msgw2";
    CHECK(judgeHealth(snapshot).empty());  // in step
    twin.behindSince = kNow - std::chrono::minutes(4);
    CHECK(judgeHealth(snapshot).empty());
    twin.behindSince = kNow - std::chrono::minutes(6);
    twin.error = "nobody answers there";
    twin.advice = "see whether it runs";
    const HealthFinding away = only(snapshot);
    CHECK(away.kind == "twin");
    CHECK(away.since == twin.behindSince);
    CHECK(holds(away.text, "msgw2 is not reached"));
    CHECK(holds(away.text, "(nobody answers there)"));
    CHECK(away.advice == twin.advice);
    twin.reached = true;
    twin.differing = 3;
    CHECK(holds(only(snapshot).text, "3 mailboxes differ"));
}

TEST_CASE("a drain is a warning that counts down, and says when the node may be stopped") {
    HealthSnapshot snapshot = well();
    snapshot.drain = HealthSnapshot::Drain{};
    HealthSnapshot::Drain& drain = *snapshot.drain;
    drain.since = kNow - hours(1);
    drain.until = kNow + hours(7);
    drain.sessions = 2;
    drain.waiting = 1;
    HealthFinding found = only(snapshot);
    CHECK(found.kind == "drain");
    CHECK(found.severity == Severity::Warning);
    CHECK(found.since == drain.since);
    CHECK(holds(found.text, "2 SMTP sessions are still open, 1 message waits"));
    REQUIRE(found.deadlines.size() == 1);  // it ends before anybody gives up
    CHECK(found.deadlines[0].at == drain.until);
    CHECK(holds(found.advice, "no twin"));
    drain.until = kNow + hours(47);
    found = only(snapshot);
    REQUIRE(found.deadlines.size() == 2);
    CHECK(found.deadlines[0].who == "Exchange Online");
    CHECK(found.deadlines[0].at == drain.since + hours(24));
    drain.until.reset();
    CHECK(only(snapshot).deadlines.size() == 3);
    drain.twin = true;
    CHECK(only(snapshot).deadlines.empty());
    CHECK(!holds(only(snapshot).advice, "no twin"));
}

TEST_CASE("a node is drained when nothing and nobody is left on it") {
    HealthSnapshot::Drain drain;
    CHECK(drain.drained());
    CHECK(holds(describeDrain(drain), "safe to stop"));
    const auto left = [](auto change) {
        HealthSnapshot::Drain one;
        change(one);
        CHECK(!one.drained());
        CHECK(!holds(describeDrain(one), "safe to stop"));
    };
    left([](auto& one) { one.sessions = 1; });
    left([](auto& one) { one.waiting = 1; });
    left([](auto& one) { one.locked = 1; });
    left([](auto& one) { one.known = false; });
}

TEST_CASE("receipts that cannot be written are told, with how many were missed") {
    HealthSnapshot snapshot = well();
    snapshot.receipts =
        HealthSnapshot::Receipts{kNow - minutes(5), "write it: No space left on device", 7};
    const HealthFinding found = only(snapshot);
    CHECK(found.kind == "receipts");
    CHECK(found.severity == gateway::Severity::Warning);
    CHECK(found.since == kNow - minutes(5));
    CHECK(holds(found.text, "7 missed): write it: No space left"));
}

TEST_CASE("a webhook that takes nothing is told where people look") {
    HealthSnapshot snapshot = well();
    snapshot.webhook =
        HealthSnapshot::Webhook{kNow - minutes(5), "nobody accepts a connection there"};
    const HealthFinding found = only(snapshot);
    CHECK(found.kind == "webhook");
    CHECK(found.since == kNow - minutes(5));
    CHECK(holds(found.text, "nobody accepts"));
}
