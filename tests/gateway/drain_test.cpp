// A drain as its file says it, and as it is asked for, ended and refused.
#include "gateway/drain.h"

#include <fstream>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "gateway/replica/twins_file.h"
#include "tests/gateway/operations_fixture.h"

namespace {

using namespace gateway;
using nlohmann::json;
using operations_test::House;

const WallTime kNow = parseTimestamp("2026-11-22T10:00:00Z").value();

void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file) << text;
}

}  // namespace

TEST_CASE("a drain is what its file says") {
    for (const Drain& drain :
         {Drain{kNow, std::nullopt}, Drain{kNow, kNow + std::chrono::hours(8)}}) {
        std::string why;
        CHECK(Drain::parse(drain.text(), why) == drain);
    }
    for (const char* text :
         {"", "format = 1", "format = 2\nsince = \"2026-11-22T10:00:00Z\"", "since = 1",
          "format = 1\nsince = 7", "format = 1\nsince = \"2026-11-22T10:00:00Z\"\nuntil = \"soon\"",
          "[[[["}) {
        std::string why;
        CHECK(!Drain::parse(text, why));
        CHECK(!why.empty());
    }
    const Drain drain{kNow, kNow + std::chrono::seconds(1)};
    CHECK(!drain.isOver(kNow));
    CHECK(drain.isOver(kNow + std::chrono::seconds(1)));
    CHECK(!Drain{kNow, std::nullopt}.isOver(kNow + std::chrono::hours(99999)));
}

TEST_CASE("a drain outlives the program, and its end too") {
    House house;
    CHECK(!loadDrain(house.layout));
    CHECK(house.refused("drain.on", {{"for", "2h"}}, "no twin") == EX_USAGE);
    CHECK(!loadDrain(house.layout));
    const json begun = house.ask("drain.on", {{"for", "2h"}, {"without_twin", true}});
    REQUIRE(begun.at("ok") == true);
    const auto drain = loadDrain(house.layout);
    REQUIRE(drain);
    CHECK(*drain->until - drain->since == std::chrono::hours(2));
    CHECK(house.ask("drain.show").at("drain").at("until") == formatTimestamp(*drain->until));
    CHECK(house.ask("drain.off").at("was") == true);
    CHECK(!loadDrain(house.layout));
    CHECK(house.ask("drain.off").at("was") == false);
    CHECK(house.ask("drain.show").at("drain").is_null());
}

TEST_CASE("a twin makes the question needless") {
    House house;
    CHECK(!hasTwin(house.config));
    const Node& self = house.keeper.self();
    replica::TwinsFile joined;
    joined.put(replica::JoinedTwin(self.id(), self.key().verifyKey()));
    joined.save(house.layout);
    CHECK(hasTwin(house.config));
    CHECK(house.ask("drain.on").at("twin") == true);
    write(house.layout.twins(), "[[[");
    CHECK(!hasTwin(house.config));
    house.config.twins.emplace_back().url = "https://msgw2.test:8450";
    CHECK(hasTwin(house.config));
}

TEST_CASE("lengths that are none are refused") {
    House house;
    for (const char* length : {"", "0s", "-1h", "8", "367d", "99999999999999999999d", "forever"}) {
        CHECK(house.refused("drain.on", {{"for", length}, {"without_twin", true}}, "length") ==
              EX_USAGE);
    }
    CHECK(house.refused("drain.on", {{"for", 8}, {"without_twin", true}}, "text") == EX_DATAERR);
    CHECK(house.refused("drain.on", {{"without_twin", "yes"}}, "no twin") == EX_USAGE);
    CHECK(!loadDrain(house.layout));
}

TEST_CASE("a file of a newer version stays as it is; one that is damaged is replaced") {
    House house;
    write(house.layout.drainFile(), "format = 2\n");
    CHECK_THROWS_AS(static_cast<void>(loadDrain(house.layout)), Error);
    CHECK(house.ask("drain.on", {{"without_twin", true}}).at("ok") == false);
    CHECK(house.ask("drain.off").at("ok") == false);
    CHECK(readWhole(house.layout.drainFile(), 100) == "format = 2\n");
    write(house.layout.drainFile(), "no [ TOML");
    CHECK_THROWS_AS(static_cast<void>(loadDrain(house.layout)), Error);
    CHECK(house.ask("drain.on", {{"without_twin", true}}).at("ok") == true);
    CHECK(loadDrain(house.layout));
}
