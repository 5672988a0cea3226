// When space will be used up, told from looks at it.
#include "gateway/watch/disk_trend.h"

#include <chrono>

#include <doctest/doctest.h>

namespace {

using gateway::DiskTrend;
using gateway::WallTime;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kGiB = 1ULL << 30U;
const WallTime kStart = gateway::parseTimestamp("2026-11-22T10:00:00Z").value();

/// Looks every five seconds for `how long`, while `perHour` octets go (or come) in each hour.
DiskTrend watched(hours howLong, std::uint64_t free, std::int64_t perHour) {
    DiskTrend trend;
    for (seconds at{0}; at <= howLong; at += seconds(5)) {
        const auto gone = perHour * at.count() / 3600;
        trend.add(kStart + at, free - static_cast<std::uint64_t>(gone));
    }
    return trend;
}

double hoursUntil(const std::optional<WallTime>& time, hours howLong) {
    REQUIRE(time);
    return std::chrono::duration<double, std::ratio<3600>>(*time - (kStart + howLong)).count();
}

}  // namespace

TEST_CASE("space that shrinks steadily ends when it must") {
    const DiskTrend trend = watched(hours(3), 13 * kGiB, kGiB);
    CHECK(hoursUntil(trend.reaches(kGiB), hours(3)) == doctest::Approx(9).epsilon(0.01));
    CHECK(hoursUntil(trend.reaches(0), hours(3)) == doctest::Approx(10).epsilon(0.01));
    CHECK(!trend.reaches(10 * kGiB));  // that is already so
}

TEST_CASE("space that stays, grows, or lasts a month has no end") {
    CHECK(!watched(hours(3), 13 * kGiB, 0).reaches(0));
    CHECK(!watched(hours(3), 13 * kGiB, -1024).reaches(0));
    CHECK(!watched(hours(3), 13 * kGiB, 1024).reaches(0));
}

TEST_CASE("nothing is told from less than an hour, nor after the clock was set back") {
    CHECK(!DiskTrend().reaches(0));
    DiskTrend trend;
    trend.add(kStart, 10 * kGiB);
    trend.add(kStart + minutes(50), 5 * kGiB);
    CHECK(!trend.reaches(0));
    trend.add(kStart + minutes(60), 4 * kGiB);
    CHECK(trend.reaches(0));
    trend.add(kStart - hours(1), 4 * kGiB);
    CHECK(!trend.reaches(0));
}

TEST_CASE("what was more than a day ago is forgotten") {
    DiskTrend trend = watched(hours(24), 100 * kGiB, kGiB);
    for (seconds at{0}; at <= hours(25); at += minutes(1)) {
        trend.add(kStart + hours(24) + at, 76 * kGiB);
    }
    CHECK(!trend.reaches(0));
}
