// Messages per hour and per day: counted where they belong, bounded, kept over a restart.
#include "gateway/watch/traffic_history.h"

#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "tests/base/temporary_folder.h"

namespace {

using gateway::Layout;
using gateway::TrafficHistory;
using gateway::WallTime;
using nlohmann::json;
using namespace std::chrono_literals;

const WallTime kNow = gateway::parseTimestamp("2026-11-22T10:30:00Z").value();

json entry(const char* at, int received, int fetched) {
    return {{"at", at}, {"received", received}, {"fetched", fetched}};
}

void write(const Layout& layout, const std::string& text) {
    gateway::makeDurableDirectory(layout.state());
    std::ofstream(layout.state() / "traffic.toml") << text;
}

std::uint64_t sum(const json& periods, const char* what) {
    std::uint64_t all = 0;
    for (const json& period : periods) {
        all += period.at(what).get<std::uint64_t>();
    }
    return all;
}

}  // namespace

TEST_CASE("what happened stands in its hour and its day, the present one last") {
    TrafficHistory history;
    history.received(kNow - 24h);  // one hour too old for the hours
    history.received(kNow - 23h);
    history.received(kNow - 1h);
    history.received(kNow);
    history.received(kNow + 29min);
    history.fetched(kNow);
    const json told = history.describe(kNow + 29min);
    REQUIRE(told.at("hours").size() == 24);
    REQUIRE(told.at("days").size() == 30);
    CHECK(told.at("hours").front() == entry("2026-11-21T11:00:00Z", 1, 0));
    CHECK(told.at("hours")[22] == entry("2026-11-22T09:00:00Z", 1, 0));
    CHECK(told.at("hours").back() == entry("2026-11-22T10:00:00Z", 2, 1));
    CHECK(told.at("days").front() == entry("2026-10-24T00:00:00Z", 0, 0));
    CHECK(told.at("days")[28] == entry("2026-11-21T00:00:00Z", 2, 0));
    CHECK(told.at("days").back() == entry("2026-11-22T00:00:00Z", 3, 1));
}

TEST_CASE("years of mail cost no memory, and a clock that goes wild loses only what it must") {
    TrafficHistory history;
    for (int hour = 0; hour < 20'000; ++hour) {
        history.received(kNow + std::chrono::hours(hour));
    }
    const WallTime end = kNow + std::chrono::hours(19'999);
    CHECK(history.text().size() < 8000);
    CHECK(sum(history.describe(end).at("hours"), "received") == 24);
    CHECK(history.describe(end).at("days").front().at("received") == 24);

    history.received(end + std::chrono::hours(500'000));
    history.received(end);  // the clock is right again
    CHECK(history.describe(end).at("hours").back().at("received") == 2);
    CHECK(sum(history.describe(end - std::chrono::hours(9000)).at("hours"), "received") == 0);
}

TEST_CASE("the counts come back from their file") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    gateway::makeDurableDirectory(layout.state());
    CHECK(TrafficHistory::load(layout) == TrafficHistory());
    TrafficHistory history;
    history.received(kNow);
    history.fetched(kNow - 100h);
    history.save(layout);
    CHECK(TrafficHistory::load(layout) == history);
    CHECK(TrafficHistory::load(layout).describe(kNow) == history.describe(kNow));
    TrafficHistory().save(layout);
    CHECK(TrafficHistory::load(layout) == TrafficHistory());
}

TEST_CASE("a damaged file is forgotten and replaced, one of a newer format is left as it is") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    for (const char* damaged :
         {"", "format = 1\n[[ho", "format = 1\nhour = 3\n", "format = 1\nhour = [3]\n",
          "format = 0\n", "format = 1\n[[hour]]\nat = 3\nreceived = 1\nfetched = 1\n",
          "format = 1\n[[day]]\nat = 2026-11-22T10:00:00Z\nreceived = -1\nfetched = 1\n",
          "format = 1\n[[day]]\nat = 2026-11-22T10:00:00Z\nreceived = 1\n"}) {
        CAPTURE(damaged);
        write(layout, damaged);
        TrafficHistory history = TrafficHistory::load(layout);
        CHECK(history == TrafficHistory());
        history.received(kNow);
        history.save(layout);
        CHECK(TrafficHistory::load(layout) == history);
    }
    write(layout, "format = 2\n");
    TrafficHistory history = TrafficHistory::load(layout);
    history.received(kNow);
    history.save(layout);
    std::ifstream file(layout.state() / "traffic.toml");
    CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == "format = 2\n");
}
