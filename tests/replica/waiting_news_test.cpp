// What waits where, told from one node to another: all of it in the end, in any order of losses and
// restarts, and bounded whatever is told.
#include "gateway/replica/waiting_news.h"

#include <random>

#include <doctest/doctest.h>

using namespace gateway;
using namespace gateway::replica;
using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

const WallTime kNow = parseTimestamp("2026-11-23T03:00:00Z").value();
const Teller kTeller{"https://msgw2:8450", true, "n-2", "msgw2"};

MailboxId mailboxOf(int number) {
    std::string digits = std::to_string(number);
    return *MailboxId::parse("mbx-" + std::string(32 - digits.size(), '0') + digits);
}

Registry knowing(int count) {
    Registry::Mailboxes mailboxes;
    for (int number = 0; number < count; ++number) {
        mailboxes[mailboxOf(number)] = std::make_shared<const Mailbox>(mailboxOf(number));
    }
    return {std::move(mailboxes), {}, {}};
}

const TwinWaiting::Mailboxes& heardBy(const WaitingNews& news, const WallTime now = kNow) {
    static std::vector<TwinWaiting> heard;
    heard = news.heard(now);
    REQUIRE(heard.size() == 1);
    return *heard[0].mailboxes;
}

/// Until nothing more is told.
void tellAll(const WaitingNews& from, WaitingNews& to, const Registry& registry) {
    for (int round = 0; round < 100 && to.known(kTeller.key) != from.mark(); ++round) {
        to.hear(kTeller, from.tell(to.known(kTeller.key), kNow), registry, kNow);
    }
    CHECK(to.known(kTeller.key) == from.mark());
}

}  // namespace

TEST_CASE("only what changed is told, as ages") {
    WaitingNews one;
    WaitingNews other;
    const Registry registry = knowing(3);
    one.set(mailboxOf(0), {12, kNow - hours(2), std::nullopt});
    one.set(mailboxOf(1), {0, std::nullopt, kNow - minutes(5)});
    tellAll(one, other, registry);
    CHECK(heardBy(other).at(mailboxOf(0)).waiting == Waiting{12, kNow - hours(2), std::nullopt});
    CHECK(heardBy(other).at(mailboxOf(1)).waiting == Waiting{0, std::nullopt, kNow - minutes(5)});
    const std::string mark = one.mark();
    one.set(mailboxOf(0), {12, kNow - hours(2), std::nullopt});
    CHECK(one.mark() == mark);
    one.set(mailboxOf(0), {13, kNow - hours(2), std::nullopt});
    const json told = one.tell(other.known(kTeller.key), kNow + hours(7));
    REQUIRE(told.at("mailboxes").size() == 1);
    CHECK(told.at("mailboxes")[0] == json({mailboxOf(0).str(), 13, 9 * 3600, nullptr}));
    // Its clock is seven hours ahead; only ages count.
    other.hear(kTeller, told, registry, kNow);
    CHECK(heardBy(other).at(mailboxOf(0)).waiting.oldest == kNow - hours(9));
}

TEST_CASE("thousands of mailboxes come in several parts, and a restart tells them anew") {
    constexpr int kCount = 1234;
    const Registry registry = knowing(kCount);
    WaitingNews other;
    for (const int more : {0, 1000}) {
        WaitingNews one;  // another run
        for (int number = 0; number < kCount; ++number) {
            one.set(mailboxOf(number), {static_cast<std::uint64_t>(number + more), {}, {}});
        }
        CHECK(one.tell("", kNow).at("mailboxes").size() == WaitingNews::kMostTold);
        tellAll(one, other, registry);
        CHECK(heardBy(other).size() == kCount);
        CHECK(heardBy(other).at(mailboxOf(1233)).waiting.messages ==
              static_cast<std::uint64_t>(1233 + more));
    }
}

TEST_CASE("what does not follow what is known is not taken") {
    WaitingNews one;
    WaitingNews other;
    const Registry registry = knowing(1);
    one.set(mailboxOf(0), {1, {}, {}});
    tellAll(one, other, registry);
    const std::string known = other.known(kTeller.key);
    json later = one.tell("", kNow);
    later["from"] = 5;
    later["to"] = 6;
    other.hear(kTeller, later, registry, kNow);
    CHECK(other.known(kTeller.key) == known);
    other.hear(kTeller, {{"run", 7}}, registry, kNow);
    other.hear(kTeller, json::array(), registry, kNow);
    CHECK(other.known(kTeller.key) == known);
}

TEST_CASE("mailboxes that are not known yet are told again once they may be") {
    WaitingNews one;
    WaitingNews other;
    one.set(mailboxOf(0), {1, {}, {}});
    one.set(mailboxOf(1), {2, {}, {}});
    tellAll(one, other, knowing(1));
    CHECK(heardBy(other).size() == 1);
    other.mailboxesChanged();
    CHECK(heardBy(other).size() == 1);  // what was heard stays
    CHECK(other.known(kTeller.key).empty());
    tellAll(one, other, knowing(2));
    CHECK(heardBy(other).size() == 2);
    other.mailboxesChanged();
    CHECK(other.known(kTeller.key) == one.mark());
}

TEST_CASE("numbers are clamped, and times are never of the future") {
    WaitingNews one;
    const json told{{"run", std::string(32, 'a')},
                    {"from", 0U},
                    {"to", 1U},
                    {"mailboxes",
                     json::array({json::array({mailboxOf(0).str(), UINT64_MAX, UINT64_MAX, -3})})}};
    one.hear(kTeller, told, knowing(1), kNow);
    const Waiting& waiting = heardBy(one).at(mailboxOf(0)).waiting;
    CHECK(waiting.messages == 1'000'000'000'000);
    CHECK(waiting.oldest > parseTimestamp("1900-01-01T00:00:00Z"));
    CHECK_FALSE(waiting.fetched);
    WaitingNews ahead;
    ahead.set(mailboxOf(0), {1, kNow + hours(7), {}});
    CHECK(ahead.tell("", kNow).at("mailboxes")[0][2] == 0);
}

TEST_CASE("visits are fetches some time apart") {
    WaitingNews one;
    WaitingNews other;
    const Registry registry = knowing(1);
    const auto fetchedAt = [&](minutes at) {
        one.set(mailboxOf(0), {0, {}, kNow + at});
        other.hear(kTeller, one.tell(other.known(kTeller.key), kNow + at), registry, kNow + at);
        return heardBy(other).at(mailboxOf(0));
    };
    CHECK_FALSE(fetchedAt(minutes(0)).visitBefore);
    CHECK_FALSE(fetchedAt(minutes(14)).visitBefore);
    const WaitingThere later = fetchedAt(minutes(16));
    CHECK(later.visitBefore == kNow);
    CHECK(later.lastVisit == kNow + minutes(16));
    CHECK(fetchedAt(minutes(20)).lastVisit == kNow + minutes(16));
}

TEST_CASE("of one node only one word counts: who was called has proven who it is") {
    WaitingNews news;
    const Registry registry = knowing(1);
    WaitingNews twin;
    twin.set(mailboxOf(0), {5, {}, {}});
    news.hear(kTeller, twin.tell("", kNow), registry, kNow);
    Teller visitor{"token", false, kTeller.node, "liar"};
    twin.set(mailboxOf(0), {6, {}, {}});
    news.hear(visitor, twin.tell("", kNow), registry, kNow + minutes(1));
    REQUIRE(news.heard(kNow).size() == 1);
    CHECK(news.heard(kNow)[0].name == "msgw2");
    news.forget(kTeller.key);
    CHECK(news.heard(kNow)[0].name == "liar");
    CHECK(news.heard(kNow + hours(24 * 8)).empty());
}

TEST_CASE("a word that nothing changed keeps it fresh, and no other does") {
    WaitingNews news;
    WaitingNews twin;
    twin.set(mailboxOf(0), {5, {}, {}});
    news.hear(kTeller, twin.tell("", kNow), knowing(1), kNow);
    news.confirm(kTeller, "another mark", kNow + hours(1));
    CHECK(news.heard(kNow)[0].told == kNow);
    news.confirm(kTeller, twin.mark(), kNow + hours(1));
    CHECK(news.heard(kNow)[0].told == kNow + hours(1));
}

TEST_CASE("only so many tell, the latest of them") {
    WaitingNews news;
    WaitingNews twin;
    for (int number = 0; number < 100; ++number) {
        const Teller teller{std::to_string(number), false, "n-" + std::to_string(number), ""};
        news.hear(teller, twin.tell("", kNow), knowing(0), kNow + seconds(number));
    }
    CHECK(news.heard(kNow).size() == WaitingNews::kMostTellers);
    CHECK(news.known("0").empty());
    CHECK_FALSE(news.known("99").empty());
}
