// Random numbers: that they come from all of their range and from nowhere else.
#include "gateway/base/random.h"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>

TEST_CASE("a random fraction comes from all of its range, and from nowhere else") {
    constexpr int kDraws = 2000;  // that one tenth is left out happens once in 10^91 runs
    std::array<int, 10> tenths{};
    for (int draw = 0; draw < kDraws; ++draw) {
        const double fraction = gateway::randomFraction();
        REQUIRE(fraction >= 0);
        REQUIRE(fraction < 1);
        ++tenths[static_cast<std::size_t>(fraction * 10)];
    }
    CHECK(std::all_of(tenths.begin(), tenths.end(), [](int count) { return count > 0; }));
}
