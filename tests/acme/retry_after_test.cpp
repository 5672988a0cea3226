// How long to wait: seconds, a date, and what is neither.
#include "acme/retry_after.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace {

/// Sun, 22 Nov 2026 10:00:00 GMT
const gateway::WallTime kNow = gateway::parseTimestamp("2026-11-22T10:00:00Z").value();

std::optional<std::chrono::seconds> waitFor(const std::string& value) {
    gateway::HttpAnswer answer;
    answer.headers = {{"retry-after", value}};
    return acme::retryAfter(answer, kNow);
}

}  // namespace

TEST_CASE("seconds and dates") {
    CHECK(waitFor("0") == 0s);
    CHECK(waitFor("120") == 120s);
    CHECK(waitFor("Sun, 22 Nov 2026 10:01:30 GMT") == 90s);
    CHECK(waitFor("Sun, 22 Nov 2026 09:59:59 GMT") == 0s);
    CHECK(waitFor("Sun, 29 Nov 2026 10:00:00 GMT") == 24h * 7);
    CHECK_FALSE(acme::retryAfter({}, kNow).has_value());
}

TEST_CASE("what is neither says nothing, and what is absurd is bounded") {
    for (const char* odd : {"", "soon", "-1", "1.5", "22 Nov 2026", "Sun, 22 Nov 2026 10:01:30 CET",
                            "Sun, 32 Nov 2026 10:01:30 GMT", "Sun, 22 Foo 2026 10:01:30 GMT",
                            "Sun, 22 Nov 9999 10:01:30 GMT", "Sun, 22 Nov 2026 25:01:30 GMT",
                            "Sun, 22 Nov xxxx 10:01:30 GMT", "Sun, 22 Nov 0000 10:01:30 GMT"}) {
        CAPTURE(odd);
        CHECK_FALSE(waitFor(odd).has_value());
    }
    CHECK(waitFor("18446744073709551615") == 24h * 8);
    CHECK(waitFor("Fri, 01 Jan 2100 00:00:00 GMT") == 24h * 8);
}
