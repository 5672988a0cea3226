// Time as text: UTC, the forms of RFC 5322 and RFC 3339, and nothing else parses.
#include "gateway/base/clock.h"

#include <doctest/doctest.h>

using namespace gateway;

TEST_CASE("times are written in UTC, in English, in whole seconds") {
    const WallTime time = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) +
                          std::chrono::hours(9) + std::chrono::minutes(8) +
                          std::chrono::seconds(7) + std::chrono::milliseconds(999);
    CHECK(formatMailDate(time) == "Sun, 22 Nov 2026 09:08:07 +0000");
    CHECK(formatTimestamp(time) == "2026-11-22T09:08:07Z");
    CHECK(formatTimestamp(WallTime{} - std::chrono::milliseconds(1)) == "1969-12-31T23:59:59Z");
}

TEST_CASE("a time stamp parses back to the same second") {
    for (const char* text : {"1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2038-01-19T03:14:08Z",
                             "2199-12-31T00:00:00Z"}) {
        CAPTURE(text);
        const auto time = parseTimestamp(text);
        REQUIRE(time);
        CHECK(formatTimestamp(*time) == text);
    }
}

TEST_CASE("what is no time stamp is refused") {
    for (const char* wrong :
         {"", "2026-11-22", "2026-11-22 10:00:00Z", "2026-11-22T10:00:00",
          "2026-11-22T10:00:00+00:00", "2026-11-22t10:00:00z", "2026-13-01T00:00:00Z",
          "2026-02-29T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z",
          "2026-11-22T10:00:60Z", "2026-11-22T10:00:00.5Z", "+026-11-22T10:00:00Z"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parseTimestamp(wrong));
    }
}

TEST_CASE("a time stamp beyond what a clock can hold is refused, not wrapped") {
    CHECK_FALSE(parseTimestamp("9999-12-31T00:00:00Z"));
    CHECK_FALSE(parseTimestamp("0001-01-01T00:00:00Z"));
}
