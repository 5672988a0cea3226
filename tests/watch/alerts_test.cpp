// What is told by webhook, and when: as a person on call would want it.
#include "gateway/watch/alerts.h"

#include <doctest/doctest.h>

namespace {

using gateway::Alerts;
using gateway::WallTime;
using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kNow = gateway::parseTimestamp("2026-11-22T02:00:00Z").value();

json finding(const std::string& kind, int mailbox = 0, const char* severity = "warning") {
    const std::string address = "mbx-" + std::to_string(mailbox);
    return {{"id", kind + ':' + address},
            {"kind", kind},
            {"severity", severity},
            {"mailbox", address},
            {"since", "2026-11-22T01:00:00Z"},
            {"deadline", nullptr},
            {"text", kind + " of " + address},
            {"advice", "do something"}};
}

/// Everything that is to be told, taken as told.
std::vector<json> told(Alerts& alerts) {
    std::vector<json> bodies;
    while (const auto notice = alerts.next()) {
        bodies.push_back(notice->body);
        alerts.told(notice->id);
    }
    return bodies;
}

}  // namespace

TEST_CASE("what holds is told once, and once more when it is over") {
    Alerts alerts;
    const json warnings = json::array({finding("unfetched")});
    alerts.look(warnings, kNow);
    alerts.look(warnings, kNow + Alerts::kHold - seconds(1));
    CHECK(!alerts.next());
    alerts.look(warnings, kNow + Alerts::kHold);
    auto bodies = told(alerts);
    REQUIRE(bodies.size() == 1);
    CHECK(bodies[0].at("state") == "open");
    CHECK(bodies[0].at("mailbox") == "mbx-0");
    CHECK(bodies[0].at("text") == "unfetched of mbx-0");
    CHECK(bodies[0].at("since") == "2026-11-22T01:00:00Z");
    const json id = bodies[0].at("id");
    for (int i = 1; i < 100; ++i) {
        alerts.look(warnings, kNow + hours(i));
        CHECK(!alerts.next());
    }
    const WallTime over = kNow + hours(100);
    alerts.look(json::array(), over);
    alerts.look(json::array(), over + Alerts::kGone - seconds(1));
    CHECK(!alerts.next());
    alerts.look(json::array(), over + Alerts::kGone);
    bodies = told(alerts);
    REQUIRE(bodies.size() == 1);
    CHECK(bodies[0].at("state") == "resolved");
    CHECK(bodies[0].at("id") == id);
    alerts.look(json::array(), over + hours(1));
    CHECK(!alerts.next());
}

TEST_CASE("a notice stays the same until it was told") {
    Alerts alerts;
    alerts.look(json::array({finding("disk")}), kNow);
    alerts.look(json::array({finding("disk")}), kNow + minutes(2));
    const auto first = alerts.next();
    REQUIRE(first);
    CHECK(alerts.next()->id == first->id);
    CHECK(alerts.next()->body == first->body);
    alerts.told("something else");
    CHECK(alerts.next());
    alerts.told(first->id);
    CHECK(!alerts.next());
}

TEST_CASE("what comes and goes pages nobody again and again") {
    Alerts alerts;
    std::size_t notices = 0;
    for (int minute = 0; minute < 24 * 60; ++minute) {
        const bool there = minute % 15 < 7;  // longer than kHold, and gone for longer than kGone
        alerts.look(there ? json::array({finding("put_off")}) : json::array(),
                    kNow + minutes(minute));
        notices += told(alerts).size();
    }
    CHECK(notices <= 2 * 24);
    Alerts quick;
    for (int second = 0; second < 7200; second += 10) {
        quick.look(second % 120 < 100 ? json::array({finding("put_off")}) : json::array(),
                   kNow + seconds(second));
        CHECK(!quick.next());  // never held for long enough
    }
}

TEST_CASE("two hundred mailboxes are one notice") {
    Alerts alerts;
    json warnings = json::array();
    for (int i = 0; i < 250; ++i) {
        warnings.push_back(finding("silent", i, i == 7 ? "critical" : "warning"));
    }
    warnings[3]["since"] = "2026-11-21T01:00:00Z";
    warnings[4]["deadline"] = "2026-11-23T01:00:00Z";
    warnings[5]["deadline"] = "2026-11-22T09:00:00Z";
    alerts.look(warnings, kNow);
    alerts.look(warnings, kNow + minutes(2));
    const auto bodies = told(alerts);
    REQUIRE(bodies.size() == 1);
    CHECK(bodies[0].at("mailbox").is_null());
    CHECK(bodies[0].at("mailboxes").size() == Alerts::kMostNamed);
    CHECK(bodies[0].at("findings") == 250);
    CHECK(bodies[0].at("severity") == "critical");
    CHECK(bodies[0].at("since") == "2026-11-21T01:00:00Z");
    CHECK(bodies[0].at("deadline") == "2026-11-22T09:00:00Z");
    CHECK(bodies[0].at("text").get<std::string>().size() < 200);
    CHECK(bodies[0].at("text").get<std::string>().ends_with("and 247 more"));
    CHECK(bodies[0].at("advice") == "do something");
}

TEST_CASE("those that come one by one in a night are told together, an hour later") {
    Alerts alerts;
    json warnings = json::array();
    std::size_t notices = 0;
    for (int minute = 0; minute < 8 * 60; ++minute) {
        if (minute % 2 == 0) {
            warnings.push_back(finding("silent", minute));
        }
        alerts.look(warnings, kNow + minutes(minute));
        notices += told(alerts).size();
    }
    CHECK(notices <= 9);
    CHECK(notices >= 8);
}

TEST_CASE("kinds do not wait for one another, and what gets worse is told anew") {
    Alerts alerts;
    const json mild = json::array({finding("disk"), finding("unfetched")});
    alerts.look(mild, kNow);
    alerts.look(mild, kNow + minutes(2));
    CHECK(told(alerts).size() == 2);
    const json worse = json::array({finding("disk", 0, "critical"), finding("unfetched")});
    WallTime now = kNow + minutes(3);
    std::vector<json> bodies;
    for (; now < kNow + minutes(14) && bodies.empty(); now += minutes(1)) {
        alerts.look(worse, now);
        for (json& body : told(alerts)) {
            if (body.at("state") == "open") {
                bodies.push_back(std::move(body));
            }
        }
    }
    REQUIRE(bodies.size() == 1);
    CHECK(bodies[0].at("severity") == "critical");
    CHECK(now - kNow <= minutes(14));
}

TEST_CASE("a mailbox of a joint notice that falls ill again is told again") {
    Alerts alerts;
    const json both = json::array({finding("silent", 1), finding("silent", 2)});
    alerts.look(both, kNow);
    alerts.look(both, kNow + minutes(2));
    CHECK(told(alerts).size() == 1);
    const json one = json::array({finding("silent", 1)});
    alerts.look(one, kNow + hours(1));
    alerts.look(one, kNow + hours(2));
    CHECK(!alerts.next());  // the notice is not over
    alerts.look(both, kNow + hours(24));
    alerts.look(both, kNow + hours(25));
    const auto bodies = told(alerts);
    REQUIRE(bodies.size() == 1);
    CHECK(bodies[0].at("mailbox") == "mbx-2");
    alerts.look(json::array(), kNow + hours(30));
    alerts.look(json::array(), kNow + hours(31));
    CHECK(told(alerts).size() == 2);
}

TEST_CASE("what nobody heard of needs no end, and trouble with telling is not told") {
    Alerts alerts;
    alerts.look(json::array({finding("disk")}), kNow);
    alerts.look(json::array({finding("disk")}), kNow + minutes(2));
    REQUIRE(alerts.next());
    alerts.look(json::array(), kNow + minutes(3));
    alerts.look(json::array(), kNow + minutes(8));
    CHECK(!alerts.next());
    const json trouble =
        json::array({{{"id", "webhook"}, {"kind", "webhook"}, {"severity", "warning"}}});
    alerts.look(trouble, kNow + hours(2));
    alerts.look(trouble, kNow + hours(3));
    CHECK(!alerts.next());
}

TEST_CASE("a restart is no news") {
    Alerts alerts;
    const json warnings = json::array({finding("disk"), finding("silent", 3)});
    alerts.look(warnings, kNow);
    alerts.look(warnings, kNow + minutes(2));
    alerts.told(alerts.next()->id);
    std::string why;
    auto again = Alerts::parse(alerts.text(), why);
    REQUIRE_MESSAGE(again, why);
    CHECK(again->saysTheSame(alerts));
    again->look(warnings, kNow + hours(5));
    const auto bodies = told(*again);
    REQUIRE(bodies.size() == 1);  // the one that was not told yet
    CHECK(bodies[0] == alerts.next()->body);
    again->look(json::array(), kNow + hours(6));
    again->look(json::array(), kNow + hours(7));
    CHECK(told(*again).size() == 2);
    for (const char* text :
         {"", "[]", "{}", R"({"format": 1})", R"({"format": 1, "alerts": [{}], "opened": {}})",
          R"({"format": 1, "alerts": [], "opened": {"disk": "soon"}})"}) {
        why.clear();
        CHECK(!Alerts::parse(text, why));
        CHECK(!why.empty());
    }
    why.clear();
    CHECK(Alerts::parse(R"({"format": 2})", why));
    CHECK(!why.empty());
}
