// Counts of turned-away mail: per mailbox and reason, with what was seen last.
#include "gateway/turned_away.h"

#include <doctest/doctest.h>

using gateway::MailboxId;
using gateway::TurnedAwayCounts;
using nlohmann::json;
using Reason = smtp::TurnedAway::Reason;

namespace {

const gateway::WallTime kStart = *gateway::parseTimestamp("2026-11-22T10:00:00Z");

json shown(const TurnedAwayCounts& counts, const MailboxId& mailbox) {
    json answer{{"mailbox", {{"address", mailbox.str()}}}};
    counts.describeIn(answer);
    return answer.at("mailbox").at("turned_away");
}

}  // namespace

TEST_CASE("each mailbox and reason has its own count, and the last sender") {
    TurnedAwayCounts counts;
    const MailboxId one = MailboxId::generate();
    counts.add({one, Reason::Network, false, "192.0.2.1", "192.0.2.1"}, kStart);
    counts.add({one, Reason::Network, true, "192.0.2.2", "192.0.2.2"},
               kStart + std::chrono::seconds(5));
    counts.add({one, Reason::Tls, false, "192.0.2.3", "no TLS"}, kStart);
    const json list = shown(counts, one);
    REQUIRE(list.size() == 2);
    CHECK(list[0] == json{{"reason", "network"},
                          {"refused", 1},
                          {"observed", 1},
                          {"last", "2026-11-22T10:00:05Z"},
                          {"peer", "192.0.2.2"},
                          {"seen", "192.0.2.2"}});
    CHECK(list[1].at("reason") == "tls");
    CHECK(shown(counts, MailboxId::generate()) == json::array());
}

TEST_CASE("an answer that shows no mailbox stays as it is") {
    json answer{{"mailboxes", json::array()}};
    TurnedAwayCounts().describeIn(answer);
    CHECK(answer == json{{"mailboxes", json::array()}});
}

TEST_CASE("strangers who name ever new mailboxes cost no more than a limit") {
    TurnedAwayCounts counts;
    MailboxId last = MailboxId::generate();
    for (int i = 0; i < 10'000; ++i) {
        last = MailboxId::generate();
        counts.add({last, Reason::UnknownMailbox, false, "192.0.2.1", ""}, kStart);
    }
    CHECK(shown(counts, last).size() == 1);
    const MailboxId beyond = MailboxId::generate();
    counts.add({beyond, Reason::UnknownMailbox, false, "192.0.2.1", ""}, kStart);
    CHECK(shown(counts, beyond).empty());
    counts.add({last, Reason::UnknownMailbox, false, "192.0.2.1", ""}, kStart);
    CHECK(shown(counts, last)[0].at("refused") == 2);
}
