// What needs the admin, judged from snapshots: each condition alone, at its limit and beyond.
#include <algorithm>
#include <set>
#include <string>

#include "tests/watch/health_fixture.h"

using namespace health_test;

TEST_CASE("a gateway that is well needs nobody") {
    CHECK(judgeHealth(well()).empty());
    HealthSnapshot empty;
    empty.now = kNow;
    CHECK(judgeHealth(empty).empty());
}

TEST_CASE("a server that does not run comes first") {
    HealthSnapshot snapshot = well();
    snapshot.running = false;
    CHECK(only(snapshot).kind == "not_running");
    mailboxOf(snapshot).locked = 1;
    CHECK(judgeHealth(snapshot)[0].kind == "not_running");
}

TEST_CASE("a certificate is named when its days are few") {
    HealthSnapshot snapshot = well();
    const auto endsIn = [&](hours left) {
        snapshot.certificate->ends = kNow + left;
        return judgeHealth(snapshot);
    };
    CHECK(endsIn(hours(14 * 24)).empty());
    CHECK(endsIn(hours(14 * 24 - 1)).front().severity == Severity::Warning);
    CHECK(endsIn(hours(71)).front().severity == Severity::Critical);
    CHECK(holds(endsIn(hours(71)).front().text, "in 71 hours"));
    CHECK(holds(endsIn(hours(5 * 24)).front().text, "in 5 days"));
    CHECK(holds(endsIn(hours(-1)).front().text, "has ended"));
    CHECK(endsIn(hours(-1)).front().severity == Severity::Critical);
    CHECK(holds(endsIn(hours(48)).front().advice, "tls.certificate"));
    snapshot.certificate->renewsItself = true;
    CHECK(holds(endsIn(hours(48)).front().advice, "by itself"));
    snapshot.certificate->trouble = "cannot be read";
    CHECK(endsIn(hours(999)).front().severity == Severity::Critical);
}

TEST_CASE("one that renews itself is named when its renewal is late, however short its life") {
    HealthSnapshot snapshot = well();
    HealthSnapshot::Certificate& certificate = *snapshot.certificate;
    certificate.renewsItself = true;
    certificate.lifetime = hours(6 * 24);
    certificate.ends = kNow + hours(37);
    CHECK(judgeHealth(snapshot).empty());
    certificate.ends = kNow + hours(35);
    CHECK(only(snapshot).severity == Severity::Warning);
    certificate.ends = kNow + hours(17);
    CHECK(only(snapshot).severity == Severity::Critical);
}

TEST_CASE("a new certificate that is refused is named, though the one in use is well") {
    HealthSnapshot snapshot = well();
    snapshot.certificate->refused = "it ended yesterday";
    CHECK(only(snapshot).severity == Severity::Warning);
    CHECK(holds(only(snapshot).text, "it ended yesterday"));
}

TEST_CASE("a full disk tells until when senders wait") {
    HealthSnapshot snapshot = well();
    snapshot.disk->free = kGiB;
    snapshot.disk->shortSince = kNow - hours(25);
    const HealthFinding finding = only(snapshot);
    CHECK(finding.kind == "disk");
    CHECK(finding.severity == Severity::Critical);
    CHECK(finding.since == kNow - hours(25));
    REQUIRE(finding.deadlines.size() == 3);
    CHECK(finding.deadlines[0].at == kNow - hours(1));
    CHECK(finding.deadlines[1].at == kNow + hours(23));
    CHECK(finding.deadlines[2].at == kNow + hours(8 * 24 - 25));
    CHECK(describeDeadlines(finding.deadlines, kNow) ==
          "Exchange Online gave up at 2026-11-22T09:00:00Z, Exchange gives up at "
          "2026-11-23T09:00:00Z, Google gives up at 2026-11-29T09:00:00Z");
    CHECK(toJson(finding, kNow).at("deadline") == "2026-11-23T09:00:00Z");
    CHECK(toJson(finding, kNow + hours(9 * 24)).at("deadline") == nullptr);
}

TEST_CASE("a disk that is nearly full, or soon will be, is named before") {
    HealthSnapshot snapshot = well();
    snapshot.disk->free = kGiB + kGiB / 4;
    CHECK(judgeHealth(snapshot).empty());
    --snapshot.disk->free;
    CHECK(only(snapshot).kind == "disk");
    CHECK(only(snapshot).severity == Severity::Warning);
    snapshot.disk->free = 10 * kGiB;
    snapshot.disk->projected = kNow + hours(24);
    CHECK(judgeHealth(snapshot).empty());
    snapshot.disk->projected = kNow + hours(23);
    CHECK(only(snapshot).kind == "disk_trend");
    CHECK(describeDeadlines(only(snapshot).deadlines, kNow) ==
          "The room for mail ends at 2026-11-23T09:00:00Z");
    snapshot.disk.reset();
    CHECK(judgeHealth(snapshot).empty());
}

TEST_CASE("mail that cannot be stored is told with its cause and until when senders wait") {
    HealthSnapshot snapshot = well();
    snapshot.notStored.push_back(
        {"write /data/x: Read-only file system", 7, kNow - hours(2), kNow});
    const HealthFinding finding = only(snapshot);
    CHECK(finding.kind == "not_stored");
    CHECK(finding.severity == Severity::Critical);
    CHECK(holds(finding.text, "Read-only file system"));
    CHECK(holds(finding.text, "7 times"));
    CHECK(finding.since == kNow - hours(2));
    CHECK(finding.deadlines.at(0).at == kNow + hours(22));
}

TEST_CASE("mail that nobody fetches, by the mailbox's own limit where it has one") {
    HealthSnapshot snapshot = well();
    mailboxOf(snapshot).oldest = kNow - hours(20);
    CHECK(judgeHealth(snapshot).empty());
    mailboxOf(snapshot).oldest = kNow - hours(20) - std::chrono::seconds(1);
    const HealthFinding finding = only(snapshot);
    CHECK(finding.kind == "unfetched");
    CHECK(finding.mailbox == kAddress);
    CHECK(finding.since == mailboxOf(snapshot).oldest);
    CHECK(holds(finding.text, "3 messages waits for 20 hours"));
    mailboxOf(snapshot).unfetched = hours(21);
    CHECK(judgeHealth(snapshot).empty());
    mailboxOf(snapshot).unfetched = hours(1);
    CHECK(judgeHealth(snapshot).size() == 1);
    mailboxOf(snapshot).unfetched = hours(0);
    CHECK(judgeHealth(snapshot).empty());
    mailboxOf(snapshot).unfetched.reset();
    mailboxOf(snapshot).oldest.reset();
    CHECK(judgeHealth(snapshot).empty());
}

TEST_CASE("what is wrong with a mailbox's messages and statements") {
    HealthSnapshot snapshot = well();
    mailboxOf(snapshot).locked = 2;
    CHECK(only(snapshot).kind == "locked");
    CHECK(holds(only(snapshot).advice, "--unlock-earlier"));
    mailboxOf(snapshot).locked = 0;
    mailboxOf(snapshot).leftOut = 1;
    CHECK(only(snapshot).kind == "left_out");
    CHECK(holds(only(snapshot).text, "1 file is no message"));
    mailboxOf(snapshot).leftOut = 0;
    mailboxOf(snapshot).heldBack = 3;
    CHECK(only(snapshot).kind == "held_back");
    mailboxOf(snapshot).heldBack = 0;
    mailboxOf(snapshot).replaced = {"the password set on msgw2 was replaced"};
    CHECK(only(snapshot).kind == "replaced_password");
    CHECK(holds(only(snapshot).advice, std::string("mailbox edit ") + kAddress));
    mailboxOf(snapshot).replaced.clear();
    mailboxOf(snapshot).trouble = "no permission";
    CHECK(only(snapshot).kind == "unlistable");
    CHECK(only(snapshot).severity == Severity::Critical);
    mailboxOf(snapshot).trouble.clear();
    snapshot.records.push_back({"/some/file.toml", "it is damaged"});
    CHECK(only(snapshot).kind == "record");
    CHECK(holds(only(snapshot).text, "/some/file.toml: it is damaged"));
}

TEST_CASE("mailboxes without the recovery key are one finding, whatever their number") {
    HealthSnapshot snapshot = well();
    mailboxOf(snapshot).covered = false;
    CHECK(only(snapshot).kind == "not_recoverable");
    CHECK(only(snapshot).mailbox == kAddress);
    snapshot.mailboxes.push_back(mailboxOf(snapshot));
    CHECK(holds(only(snapshot).text, "2 mailboxes are"));
    CHECK(only(snapshot).mailbox.empty());
    for (HealthSnapshot::Mailbox& mailbox : snapshot.mailboxes) {
        mailbox.deleted = true;
    }
    CHECK(judgeHealth(snapshot).empty());
}

TEST_CASE("senders that are put off have deadlines, those that are refused have none") {
    HealthSnapshot snapshot = well();
    snapshot.refusals = {refusals("suspended", true)};
    HealthFinding finding = only(snapshot);
    CHECK(finding.kind == "put_off");
    CHECK(finding.severity == Severity::Warning);
    CHECK(finding.since == kNow - hours(30));
    CHECK(finding.deadlines.size() == 3);
    CHECK(holds(finding.advice, std::string("mailbox activate ") + kAddress));
    CHECK(holds(finding.text, "7 times"));
    snapshot.refusals = {refusals("network", false)};
    finding = only(snapshot);
    CHECK(finding.kind == "refused");
    CHECK(finding.deadlines.empty());
    snapshot.refusals = {refusals("unreadable_record", true)};
    CHECK(only(snapshot).severity == Severity::Critical);
}

TEST_CASE("unknown mailboxes are one finding since the first, and name a few") {
    HealthSnapshot snapshot = well();
    for (int i = 0; i < 5; ++i) {
        snapshot.refusals.push_back(refusals("unknown_mailbox", true));
        snapshot.refusals.back().mailbox = "mbx-" + std::to_string(i);
        snapshot.refusals.back().since = kNow - hours(10 + i);
    }
    HealthFinding finding = only(snapshot);
    CHECK(finding.since == kNow - hours(14));
    CHECK(finding.deadlines.front().at == kNow + hours(10));
    CHECK(finding.mailbox.empty());
    CHECK(holds(finding.text, "mail for 5 mailboxes"));
    CHECK(holds(finding.text, "mbx-4 (7 times, from 192.0.2.1), mbx-3"));
    CHECK(!holds(finding.text, "mbx-1"));
    snapshot.refusals.resize(1);
    snapshot.refusals[0].putOff = false;
    finding = only(snapshot);
    CHECK(finding.mailbox == "mbx-0");
    CHECK(finding.deadlines.empty());
}

TEST_CASE("the worst comes first, and JSON says the same") {
    HealthSnapshot snapshot = well();
    mailboxOf(snapshot).locked = 1;
    snapshot.disk->free = 0;
    snapshot.certificate->ends = kNow + hours(24 * 10);
    const auto findings = judgeHealth(snapshot);
    REQUIRE(findings.size() == 3);
    CHECK(findings[0].kind == "disk");
    CHECK(findings[1].kind == "certificate");
    CHECK(findings[2].kind == "locked");
    const nlohmann::json locked = toJson(findings[2], kNow);
    CHECK(locked == nlohmann::json{{"id", std::string("locked:") + kAddress},
                                   {"kind", "locked"},
                                   {"severity", "warning"},
                                   {"mailbox", kAddress},
                                   {"since", nullptr},
                                   {"text", findings[2].text},
                                   {"advice", findings[2].advice},
                                   {"deadline", nullptr},
                                   {"deadlines", nlohmann::json::array()}});
    CHECK(toJson(findings[0], kNow).at("severity") == "critical");
    CHECK(toJson(findings[0], kNow).at("mailbox") == nullptr);
}

TEST_CASE("silence is told of mailboxes that take mail and had some, at their own limit") {
    HealthSnapshot snapshot = well();
    HealthSnapshot::Mailbox& mailbox = mailboxOf(snapshot);
    mailbox.created = kNow - hours(20 * 24);
    mailbox.received = kNow - hours(40);
    mailbox.missed = hours(2);
    CHECK(judgeHealth(snapshot).empty());
    mailbox.missed = hours(3);
    const HealthFinding found = only(snapshot);
    CHECK(found.kind == "silent");
    CHECK(found.severity == Severity::Warning);
    CHECK(found.mailbox == kAddress);
    CHECK(found.since == mailbox.received);
    CHECK(holds(found.text, "no mail came for 40 hours"));
    const auto quiet = [&](auto change) {
        HealthSnapshot other = snapshot;
        change(other, mailboxOf(other));
        const auto findings = judgeHealth(other);
        return std::none_of(findings.begin(), findings.end(),
                            [](const HealthFinding& one) { return one.kind == "silent"; });
    };
    CHECK(quiet([](auto&, auto& one) { one.silence = hours(4); }));
    CHECK(quiet([](auto&, auto& one) { one.silence = hours(0); }));
    CHECK(quiet([](auto& all, auto&) { all.limits.silence = hours(0); }));
    CHECK(quiet([](auto&, auto& one) { one.takesMail = false; }));
    CHECK(quiet([](auto&, auto& one) { one.received.reset(); }));
    CHECK(quiet([](auto& all, auto&) { all.drain = HealthSnapshot::Drain{}; }));
    CHECK(quiet([](auto& all, auto&) { all.running = false; }));
}

TEST_CASE("of a young mailbox a day of silence is told") {
    HealthSnapshot snapshot = well();
    HealthSnapshot::Mailbox& mailbox = mailboxOf(snapshot);
    mailbox.created = kNow - hours(13 * 24);
    mailbox.received = kNow - hours(24) + minutes(1);
    mailbox.missed = hours(9);
    CHECK(judgeHealth(snapshot).empty());
    mailbox.received = kNow - hours(24);
    CHECK(only(snapshot).kind == "silent");
}

TEST_CASE("each finding has a name of its own that lasts") {
    HealthSnapshot snapshot = well();
    snapshot.refusals = {refusals("suspended", true), refusals("tls", true)};
    snapshot.records = {{"a.toml", "damaged"}, {"b.toml", "damaged"}};
    mailboxOf(snapshot).replaced = {"one", "another"};
    mailboxOf(snapshot).locked = 1;
    std::set<std::string> names;
    const auto findings = judgeHealth(snapshot);
    for (const HealthFinding& found : findings) {
        names.insert(toJson(found, kNow).at("id").get<std::string>());
    }
    CHECK(findings.size() == 7);
    CHECK(names.size() == 7);
    CHECK(names.contains(std::string("locked:") + kAddress));
}
