// The state of the gateway as one object, and as people and monitoring read it.
#include "gateway/status.h"

#include <map>

#include "gateway/status_text.h"
#include "tests/gateway/operations_fixture.h"

namespace {

using operations_test::House;
using json = nlohmann::json;
using namespace gateway;
using std::chrono::hours;
using Reason = smtp::TurnedAway::Reason;

WallTime now() { return std::chrono::system_clock::now(); }

/// A server of that house that is well.
ServerFacts wellServer() {
    ServerFacts facts;
    facts.started = now() - hours(5);
    facts.certificate.facts.names = {"msgw1.test"};
    facts.certificate.facts.ends = now() + hours(24 * 100) + std::chrono::minutes(1);
    facts.certificate.facts.issuer = "CN=Example";
    return facts;
}

json told(House& house, const ServerFacts& facts, const Registry& registry,
          hours later = hours(0)) {
    house.config.store.minFree = 0;
    const MailboxTimes times;
    return describeStatus({house.config, registry, house.store, times, &facts}, now() + later);
}

json told(House& house, const ServerFacts& facts) {
    return told(house, facts, *house.keeper.current());
}

std::vector<std::string> kindsOf(const json& status) {
    std::vector<std::string> kinds;
    for (const json& warning : status.at("warnings")) {
        kinds.push_back(warning.at("kind"));
    }
    return kinds;
}

std::string make(House& house) {
    return house.ask("mailbox.create", {{"name", "journal | one"}}).at("address");
}

TurnedAwayCounts::Entry refused(const std::string& address, Reason reason, hours ago) {
    TurnedAwayCounts counts;
    counts.add({*MailboxId::parse(address), reason, false, "192.0.2.1", ""}, now() - ago);
    return counts.entries().at(0);
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a refusal is a warning only while it goes on and would go on") {
    House house;
    const std::string address = make(house);
    const std::string unknown = operations_test::kAddress;
    const auto kinds = [&](const std::string& mailbox, Reason reason, hours ago = hours(1)) {
        ServerFacts facts = wellServer();
        facts.turnedAway = {refused(mailbox, reason, ago)};
        const json status = told(house, facts);
        CHECK(status.at("turned_away").size() == 1);
        return kindsOf(status);
    };
    using Kinds = std::vector<std::string>;
    CHECK(kinds(unknown, Reason::UnknownMailbox) == Kinds{"unknown_mailbox"});
    CHECK(kinds(unknown, Reason::UnknownMailbox, hours(7)).empty());
    CHECK(kinds(address, Reason::UnknownMailbox).empty());
    CHECK(kinds(address, Reason::UnreadableRecord).empty());
    CHECK(kinds(address, Reason::Suspended).empty());
    CHECK(kinds(address, Reason::Deleted).empty());
    CHECK(kinds(address, Reason::Network).empty());
    house.ask("mailbox.edit", {{"address", address},
                               {"allow", {{"networks", {"192.0.2.0/24"}}, {"mode", "enforce"}}}});
    CHECK(kinds(address, Reason::Network) == Kinds{"refused"});
    CHECK(kinds(address, Reason::Tls) == Kinds{"put_off"});
    house.ask("mailbox.suspend", {{"address", address}});
    CHECK(kinds(address, Reason::Suspended) == Kinds{"put_off"});
    house.ask("mailbox.delete", {{"address", address}});
    CHECK(kinds(address, Reason::Deleted) == Kinds{"refused"});
}

TEST_CASE("mail for unknown mailboxes is lost at once where the config says 550") {
    House house;
    ServerFacts facts = wellServer();
    facts.turnedAway = {refused(operations_test::kAddress, Reason::UnknownMailbox, hours(1))};
    CHECK(told(house, facts).at("warnings")[0].at("deadlines").size() == 3);
    house.config.smtp.rejectUnknown = true;
    CHECK(told(house, facts).at("warnings")[0].at("deadlines").empty());
}

TEST_CASE("a mailbox's own limit counts, and one that is none does not") {
    House house;
    const std::string address = make(house);
    house.deliver(address, 100);
    const MailboxId id = *MailboxId::parse(address);
    const auto kinds = [&](const json& alerts) {
        auto mailbox = std::make_shared<Mailbox>(*house.keeper.current()->find(id));
        mailbox->alerts = alerts;
        return kindsOf(told(house, wellServer(), Registry({{id, mailbox}}, {}, {}), hours(3)));
    };
    CHECK(kinds(json::object()).empty());
    CHECK(kinds({{"unfetched", "2h"}}) == std::vector<std::string>{"unfetched"});
    CHECK(kinds({{"unfetched", "4h"}}).empty());
    CHECK(kinds({{"unfetched", "soon"}}).empty());
    CHECK(kinds({{"unfetched", 1}}).empty());
    house.config.alerts.unfetched = hours(1);
    CHECK(kinds({{"unfetched", 1}}) == std::vector<std::string>{"unfetched"});
    CHECK(kinds({{"unfetched", "0s"}}).empty());
}

TEST_CASE("of what strangers tried only so much is told") {
    House house;
    ServerFacts facts = wellServer();
    for (int i = 0; i < 1003; ++i) {
        facts.turnedAway.push_back(
            refused(MailboxId::generate().str(), Reason::UnknownMailbox, hours(i == 7 ? 0 : 1)));
    }
    const std::string last = facts.turnedAway[7].mailbox.str();
    const json status = told(house, facts);
    CHECK(status.at("turned_away").size() == 1000);
    CHECK(status.at("turned_away_more") == 3);
    CHECK(status.at("turned_away")[0].at("mailbox") == last);
    CHECK(kindsOf(status) == std::vector<std::string>{"unknown_mailbox"});
    const std::string people = describeForPeople(status);
    CHECK(people.size() < 8000);
    CHECK(holds(people, "and more"));
}

TEST_CASE("monitoring gets one line, whatever names hold, and people what to do") {
    House house;
    const std::string address = make(house);
    house.deliver(address, 100);
    for (int i = 0; i < 4; ++i) {
        house.deliver(make(house), 100);
    }
    const json status = told(house, wellServer(), *house.keeper.current(), hours(23));
    CHECK(checkState(status) == CheckState::Warning);
    const std::string line = checkLine(status, house.config);
    CHECK(line.starts_with("POSTERN WARNING - mbx-"));
    CHECK(line.find('|') == line.rfind('|'));
    CHECK(line.find('\n') == std::string::npos);
    CHECK(holds(line, "; and 2 more |"));
    CHECK(holds(line, " waiting=5;;;0 "));
    CHECK(holds(line, ";72000;;0 "));
    CHECK(holds(line, "s;1209600:;259200:"));
    const std::string people = describeForPeople(status);
    CHECK(holds(people, "see whether the archiver still fetches it"));
    CHECK(holds(people, "5 messages wait"));

    json critical = status;
    critical["warnings"][0]["severity"] = "critical";
    CHECK(checkState(critical) == CheckState::Critical);
    CHECK(checkLine(critical, house.config).starts_with("POSTERN CRITICAL - "));
    critical["warnings"] = json::array();
    CHECK(checkState(critical) == CheckState::Ok);
    CHECK(checkLine(critical, house.config)
              .starts_with("POSTERN OK - 5 messages wait in 5 mailboxes |"));
}

TEST_CASE("times that were kept are told, and mail that waits was received in any case") {
    House house;
    const std::string address = make(house);
    const MailboxId id = *MailboxId::parse(address);
    MailboxTimes times;
    const WallTime early = parseTimestamp("2026-01-02T03:04:05Z").value();
    times.received(id, early);
    times.fetched(id, early);
    const auto shown = [&] {
        return house.operations
            .perform({{"operation", "mailbox.show"}, {"address", address}}, times)
            .at("mailbox");
    };
    CHECK(shown().at("last_received") == "2026-01-02T03:04:05Z");
    CHECK(shown().at("last_fetched") == "2026-01-02T03:04:05Z");
    house.deliver(address, 100);
    house.ask("mailbox.reset_password", {{"address", address}});
    CHECK(shown().at("last_received").get<std::string>() > "2026-01-02T03:04:05Z");
    const json listed = house.ask("mailbox.list").at("mailboxes")[0];
    CHECK(listed.at("last_received") != nullptr);
    CHECK(listed.at("last_fetched") == nullptr);
}
