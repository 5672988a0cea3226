// Counts of turned-away mail: per mailbox and reason, with what was seen last.
#include "gateway/turned_away.h"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "tests/base/temporary_folder.h"

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

TEST_CASE("refusals count as going on since the first that follows no silence") {
    using std::chrono::hours;
    TurnedAwayCounts counts;
    const MailboxId one = MailboxId::generate();
    const auto since = [&] { return counts.entries().at(0).since; };
    const auto refuse = [&](gateway::WallTime at, bool observed = false) {
        counts.add({one, Reason::Suspended, observed, "192.0.2.1", ""}, at);
    };
    refuse(kStart - hours(1), true);
    refuse(kStart);
    CHECK(since() == kStart);
    refuse(kStart + hours(6));
    CHECK(since() == kStart);
    refuse(kStart + hours(11), true);
    refuse(kStart + hours(13));
    CHECK(since() == kStart + hours(13));
    CHECK(counts.entries()[0].lastRefused == kStart + hours(13));
    refuse(kStart);  // the clock was set back
    CHECK(since() == kStart);
}

TEST_CASE("what is told of senders says whether they will come again") {
    TurnedAwayCounts counts;
    const MailboxId one = MailboxId::generate();
    counts.add({one, Reason::UnknownMailbox, false, "192.0.2.1", ""}, kStart);
    counts.add({one, Reason::Tls, false, "192.0.2.1", "no TLS"}, kStart);
    counts.add({one, Reason::Network, false, "192.0.2.1", "192.0.2.1"}, kStart);
    const auto entries = counts.entries();
    REQUIRE(entries.size() == 3);
    for (const TurnedAwayCounts::Entry& entry : entries) {
        CHECK(entry.mailbox == one);
        CHECK(entry.putOff == (entry.kind != Reason::Network));
        CHECK(!entry.sentence.empty());
    }
}

TEST_CASE("an answer that shows no mailbox stays as it is") {
    json answer{{"mailboxes", json::array()}};
    TurnedAwayCounts().describeIn(answer);
    CHECK(answer == json{{"mailboxes", json::array()}});
}

TEST_CASE(
    "strangers who name ever new mailboxes cost no more than a limit, and hide nothing of ours") {
    TurnedAwayCounts counts;
    const MailboxId ours = MailboxId::generate();
    counts.add({ours, Reason::Network, false, "192.0.2.1", "192.0.2.1"}, kStart);
    const MailboxId first = MailboxId::generate();
    counts.add({first, Reason::UnknownMailbox, false, "192.0.2.1", ""}, kStart);
    for (int i = 0; i < 9'999; ++i) {
        counts.add({MailboxId::generate(), Reason::UnknownMailbox, false, "192.0.2.1", ""}, kStart);
    }
    CHECK(shown(counts, first).size() == 1);
    const MailboxId beyond = MailboxId::generate();
    counts.add({beyond, Reason::UnknownMailbox, false, "192.0.2.1", ""}, kStart);
    CHECK(shown(counts, first).empty());
    CHECK(shown(counts, beyond).size() == 1);
    CHECK(shown(counts, ours)[0].at("refused") == 1);
    const MailboxId another = MailboxId::generate();
    counts.add({another, Reason::Tls, false, "192.0.2.1", "no TLS"}, kStart);
    CHECK(shown(counts, another).size() == 1);
}

TEST_CASE("strangers fill no log, and keep no line of ours out of it") {
    const shim::TemporaryFolder folder;
    const int before = ::dup(STDERR_FILENO);
    const int file = ::open((folder / "log").c_str(), O_CREAT | O_WRONLY, 0600);
    REQUIRE(file >= 0);
    ::dup2(file, STDERR_FILENO);
    TurnedAwayCounts counts;
    for (int i = 0; i < 1'000; ++i) {
        counts.add({MailboxId::generate(), Reason::UnknownMailbox, false, "192.0.2.1", ""}, kStart);
    }
    counts.add({MailboxId::generate(), Reason::Tls, false, "192.0.2.1", "no TLS"}, kStart);
    counts.add({MailboxId::generate(), Reason::UnknownMailbox, false, "192.0.2.1", ""},
               kStart + std::chrono::minutes(1));
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    ::close(file);
    const std::string log = gateway::readWhole(folder / "log", 1 << 20);
    CHECK(std::count(log.begin(), log.end(), '\n') == 62);
    CHECK(log.find("without TLS") != std::string::npos);
}
