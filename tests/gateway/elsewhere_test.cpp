// What twins told of a mailbox, as lists and warnings show it: only of nodes that know it, with the
// age of the word, and in words.
#include "gateway/elsewhere.h"

#include <doctest/doctest.h>

#include "gateway/answer_text.h"

using namespace gateway;
using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

const WallTime kNow = parseTimestamp("2026-11-23T03:00:00Z").value();
const MailboxId kMailbox = *MailboxId::parse("mbx-0123456789abcdef0123456789abcdef");

replica::TwinWaiting twin(const std::string& name, std::uint64_t messages, minutes ago) {
    replica::WaitingThere there;
    there.waiting = {messages, kNow - hours(2), kNow - hours(1)};
    replica::TwinWaiting::Mailboxes mailboxes{{kMailbox, there}};
    return {"n-" + name, name, kNow - ago,
            std::make_shared<const replica::TwinWaiting::Mailboxes>(std::move(mailboxes))};
}

json row() { return {{"address", kMailbox.str()}}; }

}  // namespace

TEST_CASE("each twin that knows the mailbox is shown, with when it said so") {
    json mailbox = row();
    addElsewhere(mailbox, {twin("msgw2", 340, minutes(1)), twin("msgw3", 7, minutes(4))}, kNow);
    const json& shown = mailbox.at("elsewhere");
    REQUIRE(shown.size() == 2);
    CHECK(shown[0] == json{{"node", "n-msgw2"},
                           {"name", "msgw2"},
                           {"messages", 340},
                           {"oldest", "2026-11-23T01:00:00Z"},
                           {"last_fetched", "2026-11-23T02:00:00Z"},
                           {"told", "2026-11-23T02:59:00Z"},
                           {"lately", true}});
    CHECK(shown[1].at("lately") == false);
    CHECK(elsewhereInShort(mailbox) == "340 on msgw2, 7 on msgw3 (at 2026-11-23T02:56:00Z)");
    CHECK(
        describeElsewhere(shown[0]) ==
        "340 messages, oldest of 2026-11-23T01:00:00Z, last fetched at 2026-11-23T02:00:00Z; told "
        "at 2026-11-23T02:59:00Z");
    CHECK(describeElsewhere(shown[1]).ends_with("away, and said so last at 2026-11-23T02:56:00Z"));
    json other{{"address", "mbx-" + std::string(32, '0')}};
    addElsewhere(other, {twin("msgw2", 340, minutes(1))}, kNow);
    CHECK(other.at("elsewhere").empty());
    CHECK(elsewhereInShort(other).empty());
}

TEST_CASE("answers about a mailbox and about all get it, others stay as they are") {
    const Elsewhere elsewhere{twin("msgw2", 340, minutes(1))};
    json one{{"mailbox", row()}};
    json all{{"mailboxes", json::array({row()})}};
    json count{{"mailboxes", 3}};
    for (json* const answer : {&one, &all, &count}) {
        addElsewhereIn(*answer, elsewhere, kNow);
    }
    CHECK(one.at("mailbox").at("elsewhere").size() == 1);
    CHECK(all.at("mailboxes")[0].at("elsewhere").size() == 1);
    CHECK(count == json{{"mailboxes", 3}});
}

TEST_CASE("the latest of two visits elsewhere is judged, and one visit is none") {
    replica::TwinWaiting once = twin("msgw2", 0, minutes(1));
    CHECK_FALSE(visitElsewhere(kMailbox, {once}));
    const auto visited = [](const std::string& name, minutes before, minutes last) {
        replica::TwinWaiting told = twin(name, 0, minutes(1));
        replica::WaitingThere there;
        there.visitBefore = kNow - before;
        there.lastVisit = kNow - last;
        told.mailboxes = std::make_shared<const replica::TwinWaiting::Mailboxes>(
            replica::TwinWaiting::Mailboxes{{kMailbox, there}});
        return told;
    };
    const auto visit = visitElsewhere(kMailbox, {visited("msgw2", minutes(50), minutes(30)), once,
                                                 visited("msgw3", minutes(40), minutes(20))});
    REQUIRE(visit);
    CHECK(visit->node == "msgw3");
    CHECK(visit->before == kNow - minutes(40));
    CHECK(visit->last == kNow - minutes(20));
}
