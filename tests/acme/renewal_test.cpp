// When and why to renew: lifetimes, windows, changes, back-off; and what a lost state costs.
#include "acme/renewal.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using acme::Held;
using acme::Ordered;
using acme::planRenewal;
using acme::RenewalState;

namespace {

const gateway::WallTime kNow = gateway::parseTimestamp("2026-11-22T10:00:00Z").value();
const Ordered kWanted{"https://ca/dir", "", {"a.example.com", "b.example.com"}};

Held heldFor(std::chrono::hours lifetime, gateway::WallTime begins = kNow) {
    return {begins, begins + lifetime, {"a.example.com", "b.example.com"}, "aki.serial", "f00d"};
}

RenewalState stateOf(double dice = 0) {
    RenewalState state;
    state.dice = dice;
    state.ordered = kWanted;
    return state;
}

}  // namespace

TEST_CASE("without ARI: a third of the lifetime before its end, half of a short one") {
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, stateOf(), kNow).at == kNow + 24h * 60);
    CHECK(planRenewal(heldFor(24h * 45), kWanted, true, stateOf(), kNow).at == kNow + 24h * 30);
    const auto shortLived = planRenewal(heldFor(160h), kWanted, true, stateOf(), kNow);
    CHECK(shortLived.at == kNow + 80h);
    CHECK(shortLived.why == "half of its lifetime is left");
    const auto spread = planRenewal(heldFor(24h * 100), kWanted, true, stateOf(1), kNow).at;
    CHECK(spread > kNow + 24h * 64);
    CHECK(spread < kNow + 24h * 66);
}

TEST_CASE("no certificate, a name it lacks, a profile or an authority that changed: now") {
    CHECK(planRenewal({}, kWanted, true, stateOf(), kNow).at == kNow);
    Held held = heldFor(24h * 90);
    held.names = {"a.example.com"};
    const auto lacking = planRenewal(held, kWanted, true, stateOf(), kNow);
    CHECK(lacking.at == kNow);
    CHECK(lacking.why == "it lacks the name b.example.com");
    Ordered other = kWanted;
    other.profile = "shortlived";
    CHECK(planRenewal(heldFor(24h * 90), other, true, stateOf(), kNow).why ==
          "acme.profile was changed");
    other = kWanted;
    other.directory = "https://other/dir";
    CHECK(planRenewal(heldFor(24h * 90), other, true, stateOf(), kNow).why ==
          "acme.directory was changed");
}

TEST_CASE("a name too many renews only where names are listed; DNS that wavers does not") {
    Held held = heldFor(24h * 90);
    held.names.emplace_back("c.example.com");
    CHECK(planRenewal(held, kWanted, true, RenewalState(), kNow).at == kNow);
    CHECK(planRenewal(held, kWanted, false, stateOf(), kNow).at == kNow + 24h * 60);
}

TEST_CASE("a name that the authority adds by itself does not renew in a loop") {
    Held held = heldFor(24h * 90);
    held.names.emplace_back("www.a.example.com");
    RenewalState state = stateOf();  // ordered as it is wanted: another order would change nothing
    CHECK(planRenewal(held, kWanted, true, state, kNow).at == kNow + 24h * 60);
    state.ordered->names.emplace_back("www.a.example.com");  // the admin took one out
    CHECK(planRenewal(held, kWanted, true, state, kNow).at == kNow);
}

TEST_CASE("what one order did not mend is not ordered again at once") {
    Held held = heldFor(24h * 90);
    held.names = {"a.example.com"};
    RenewalState state = stateOf();
    state.lastRenewed = kNow;
    CHECK(planRenewal(held, kWanted, true, state, kNow).at == kNow + 1h);
    held.ends = held.begins;  // a life of no time at all
    CHECK(planRenewal(held, kWanted, true, state, kNow).at == kNow + 1s);
    Ordered other = kWanted;  // but what the admin changed is
    other.profile = "shortlived";
    CHECK(planRenewal(held, other, true, state, kNow).at == kNow);
}

TEST_CASE("one that was revoked is replaced at once, and only that one") {
    RenewalState state = stateOf();
    state.lastRenewed = kNow - 1s;
    state.revocation = acme::Revocation{"f00d", 1, true};
    const auto plan = planRenewal(heldFor(24h * 90), kWanted, true, state, kNow);
    CHECK(plan.at == kNow);
    CHECK(plan.why == "it was revoked");
    state.failures = 1;
    state.lastAttempt = kNow;
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at == kNow + 54s);
    state.failures = 0;
    state.revocation->isDone = false;
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at == kNow + 24h * 60);
    state.revocation = acme::Revocation{"beef", 1, true};
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at == kNow + 24h * 60);
}

TEST_CASE("a lost state forces nothing") {
    Ordered wanted = kWanted;
    wanted.profile = "shortlived";
    CHECK(planRenewal(heldFor(24h * 90), wanted, true, RenewalState(), kNow).at > kNow + 24h * 58);
}

TEST_CASE("ARI: a random instant of the window, that of this certificate only") {
    RenewalState state = stateOf(0.25);
    state.windowOf = "aki.serial";
    state.window = acme::RenewalWindow{kNow + 100h, kNow + 140h, ""};
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at == kNow + 110h);
    state.window = acme::RenewalWindow{kNow - 40h, kNow - 20h, ""};  // revoked soon: at once
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at < kNow);
    state.windowOf = "aki.other";
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at > kNow + 24h * 59);
    state.windowOf = "aki.serial";  // one after the end is not worth waiting for
    state.window = acme::RenewalWindow{kNow + 24h * 91, kNow + 24h * 92, ""};
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at < kNow + 24h * 61);
}

TEST_CASE("ARI: a window never lets a certificate come near its end") {
    RenewalState state = stateOf(0.99);
    state.windowOf = "aki.serial";
    state.window = acme::RenewalWindow{kNow + 24h * 80, kNow + 24h * 3650, ""};
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at == kNow + 24h * 81);
    state.window = acme::RenewalWindow{kNow + 24h * 89, kNow + 24h * 90, ""};
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at < kNow + 24h * 61);
}

TEST_CASE("ARI: a window that is always past does not renew in a loop") {
    RenewalState state = stateOf(0);
    state.windowOf = "aki.serial";
    state.window = acme::RenewalWindow{kNow - 40h, kNow - 20h, ""};
    state.lastRenewed = kNow;
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at == kNow + 1h);
    CHECK(planRenewal(heldFor(5h), kWanted, true, state, kNow).at == kNow + 30min);
}

TEST_CASE("back-off: 1, 10, 100 minutes, then daily, a tenth more or less") {
    CHECK(acme::backOff(1, 0.5) == 60s);
    CHECK(acme::backOff(2, 0.5) == 600s);
    CHECK(acme::backOff(3, 0.5) == 6000s);
    CHECK(acme::backOff(4, 0.5) == 24h);
    CHECK(acme::backOff(400, 0.5) == 24h);
    CHECK(acme::backOff(1, 0) == 54s);
    CHECK(acme::backOff(1, 1) == 66s);
    RenewalState state = stateOf(0.5);
    state.failures = 3;
    state.lastAttempt = kNow;
    CHECK(planRenewal({}, kWanted, true, state, kNow).at == kNow + 100min);
    state.lastAttempt = kNow + 24h * 30;  // the clock was set back
    CHECK(planRenewal({}, kWanted, true, state, kNow).at == kNow + 100min);
    state.failures = 1;  // a pause that is over when it is due anyway does not count
    state.lastAttempt = kNow;
    CHECK(planRenewal(heldFor(24h * 90), kWanted, true, state, kNow).at > kNow + 24h);
}

TEST_CASE("what an authority demanded is kept to the second, instead of our own pause") {
    RenewalState state = stateOf(0.5);
    state.failures = 4;
    state.lastAttempt = kNow;
    state.notBefore = kNow + 5400s;
    CHECK(planRenewal({}, kWanted, true, state, kNow).at == kNow + 5400s);
}

TEST_CASE("a demand for months is none: our own pause holds instead") {
    RenewalState state;
    state.failures = 1;
    state.lastAttempt = kNow;
    state.notBefore = kNow + std::chrono::hours(24 * 8);
    CHECK(planRenewal(std::nullopt, kWanted, true, state, kNow).at == *state.notBefore);
    state.notBefore = kNow + std::chrono::hours(24 * 300);
    CHECK(planRenewal(std::nullopt, kWanted, true, state, kNow).at <= kNow + 66s);
}

TEST_CASE("the state comes back as it was; a damaged one is none, a newer one is said") {
    RenewalState state = stateOf(0.125);
    state.failures = 2;
    state.lastAttempt = kNow;
    state.notBefore = kNow + 1h;
    state.lastRenewed = kNow - 1h;
    state.lastDirectory = "https://ca/dir";
    state.settings = "digest";
    state.caaIdentity = "ca.example.com";
    state.lastError = "no \xff port";
    state.lastAdvice = "open it";
    state.windowOf = "a.b";
    state.window = acme::RenewalWindow{kNow, kNow + 1h, "https://why"};
    state.windowAsked = kNow + 6h;
    state.revocation = acme::Revocation{"f00d", 4, true};
    bool isNewer = false;
    auto again = RenewalState::parse(state.toText(), isNewer);
    REQUIRE(again.has_value());
    again->lastError = state.lastError;
    CHECK(*again == state);
    CHECK(RenewalState::parse(RenewalState().toText(), isNewer) == RenewalState());
    for (const char* damaged :
         {"", "x", "[]", "{}", R"({"format":"1"})", R"({"format":0})", R"({"format":1.5})"}) {
        CHECK_FALSE(RenewalState::parse(damaged, isNewer).has_value());
        CHECK_FALSE(isNewer);
    }
    CHECK(RenewalState::parse(R"({"format":1,"dice":"x","failures":[],"last_attempt":3,
                                   "ordered":[],"window":{"start":"x"}})",
                              isNewer)
              .has_value());
    CHECK_FALSE(RenewalState::parse(R"({"format":2})", isNewer).has_value());
    CHECK(isNewer);
}

TEST_CASE("renewal information: RFC 3339 with offsets and fractions; what is none") {
    const auto window = acme::parseRenewalInfo(
        R"({"suggestedWindow":{"start":"2026-11-22T12:00:00.123456+02:00",
            "end":"2026-11-23T10:00:00Z"},"explanationURL":"https://ca/why"})");
    REQUIRE(window.has_value());
    CHECK(window->start == kNow);
    CHECK(window->end == kNow + 24h);
    CHECK(window->explanation == "https://ca/why");
    for (
        const char* odd :
        {"", "{}", R"({"suggestedWindow":7})",
         R"({"suggestedWindow":{"start":"1700-01-01T00:00:00Z","end":"2199-01-01T00:00:00Z"}})",
         R"({"suggestedWindow":{"start":"2026-11-22T12:00:00Z","end":"2026-11-22T12:00:00Z"}})",
         R"({"suggestedWindow":{"start":"2026-11-22T12:00:00Z","end":7}})",
         R"({"suggestedWindow":{"start":"2026-11-22T12:00:00+99:00","end":"2027-11-22T12:00:00Z"}})"}) {
        CHECK_FALSE(acme::parseRenewalInfo(odd).has_value());
    }
    CHECK(acme::windowPause({}) == 6h);
    CHECK(acme::windowPause(1s) == 1min);
    CHECK(acme::windowPause(24h * 300) == 24h);
}
