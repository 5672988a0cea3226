// How the exchange with a twin is told: null what is not known, a lag that never runs backwards,
// and what the files say where no server runs.
#include "gateway/twin_report.h"

#include <doctest/doctest.h>

#include "gateway/replica/twins_file.h"
#include "tests/gateway/operations_fixture.h"

using namespace gateway;
using nlohmann::json;
using std::chrono::hours;
using std::chrono::seconds;

namespace {

const WallTime kNow = parseTimestamp("2026-11-23T03:00:00Z").value();

TwinReport behind() {
    TwinReport report;
    report.name = "msgw2.test";
    report.reached = true;
    report.differing = 3;
    report.behindSince = kNow - hours(1);
    report.lastExchange = kNow - seconds(20);
    report.advice = "do this";
    return report;
}

}  // namespace

TEST_CASE("a twin in step lags by nothing, and is behind since never") {
    TwinReport report = behind();
    report.inStep = true;
    report.differing = 0;
    CHECK(toJson(report, kNow).at("lag_seconds") == 0);
    CHECK_FALSE(forHealth(report).behindSince);
}

TEST_CASE("a twin that is behind says since when, by how many mailboxes, and what to do") {
    const json told = toJson(behind(), kNow);
    CHECK(told.at("lag_seconds") == 3600);
    CHECK(told.at("differing") == 3);
    CHECK(told.at("last_exchange") == "2026-11-23T02:59:40Z");
    CHECK(told.at("advice") == "do this");
    for (const char* const unknown : {"node", "url", "version", "error"}) {
        CHECK(told.at(unknown).is_null());
    }
    const HealthSnapshot::Twin judged = forHealth(behind());
    CHECK(judged.behindSince == kNow - hours(1));
    CHECK(judged.differing == 3);
    CHECK(judged.reached);
    TwinReport later = behind();
    later.behindSince = kNow + hours(2);  // the clock was set back
    CHECK(toJson(later, kNow).at("lag_seconds") == 0);
}

TEST_CASE("where no server runs, what the files name is told and nothing of how it fares") {
    operations_test::House house;
    Config::Twin& fromFile = house.config.twins.emplace_back();
    fromFile.url = "https://msgw3.test:8450";
    replica::JoinedTwin joined(NodeId::generate(), crypto::SigningKey::generate().verifyKey());
    joined.name = "msgw2.test";
    joined.joined = kNow;
    replica::TwinsFile twins;
    twins.put(joined);
    twins.save(house.layout);
    const auto reports = twinsOnDisk(house.config);
    REQUIRE(reports.size() == 2);
    CHECK(reports[0].name == fromFile.url);
    CHECK_FALSE(reports[0].joined);
    CHECK(reports[1].name == "msgw2.test");
    CHECK(reports[1].joined);
    const json told = toJson(reports[1], kNow);
    CHECK(told.at("node") == joined.node.str());
    for (const char* const unknown :
         {"reached", "connected", "in_step", "last_exchange", "lag_seconds"}) {
        CHECK(told.at(unknown).is_null());
    }
    writeDurably(house.layout.twins(), "no TOML = = =");
    CHECK_THROWS_AS(twinsOnDisk(house.config), Error);
}
