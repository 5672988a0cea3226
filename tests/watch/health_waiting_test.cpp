// Mail that waits here while the archiver fetches from another node: told after two visits there,
// once, in place of the general warning, and over when it is fetched.
#include "gateway/watch/health_waiting.h"

#include <doctest/doctest.h>

#include "tests/watch/health_fixture.h"

using namespace health_test;

namespace {

/// Mail of three hours ago, and an archiver that comes to another node every half hour.
HealthSnapshot passedOver() {
    HealthSnapshot snapshot = well();
    mailboxOf(snapshot).oldest = kNow - hours(3);
    mailboxOf(snapshot).visitElsewhere = {"msgw2", kNow - minutes(35), kNow - minutes(5)};
    return snapshot;
}

}  // namespace

TEST_CASE("mail that waits here while the archiver fetches elsewhere is told, with what to do") {
    const HealthFinding finding = only(passedOver());
    CHECK(finding.kind == "unfetched_here");
    CHECK(finding.severity == Severity::Warning);
    CHECK(finding.mailbox == kAddress);
    CHECK(finding.since == kNow - hours(3));
    CHECK(holds(finding.text, "fetches from msgw2 but not from here"));
    CHECK(holds(finding.advice, "add a profile for this node"));
}

TEST_CASE("it takes the place of the general warning, and keeps silent where that does") {
    HealthSnapshot snapshot = passedOver();
    mailboxOf(snapshot).oldest = kNow - hours(30);
    CHECK(only(snapshot).kind == "unfetched_here");
    mailboxOf(snapshot).unfetched = std::chrono::seconds(0);
    CHECK(judgeHealth(snapshot).empty());
}

TEST_CASE("an archiver that may still be on its way here is no reason") {
    HealthSnapshot snapshot = passedOver();
    auto& visit = *mailboxOf(snapshot).visitElsewhere;
    SUBCASE("it was there once since, whenever that was") {
        visit.before = kNow - hours(3) - minutes(1);
    }
    SUBCASE("it was there twice within the hour") { visit.last = kNow - hours(2); }
    SUBCASE("it was here later") { mailboxOf(snapshot).fetched = kNow - minutes(40); }
    SUBCASE("nothing waits") { mailboxOf(snapshot).oldest.reset(); }
    SUBCASE("nobody fetches elsewhere") { mailboxOf(snapshot).visitElsewhere.reset(); }
    CHECK(judgeHealth(snapshot).empty());
}

TEST_CASE("mail that was fetched here before it came to wait does not hold the warning back") {
    HealthSnapshot snapshot = passedOver();
    mailboxOf(snapshot).fetched = kNow - hours(50);
    CHECK(only(snapshot).kind == "unfetched_here");
}
