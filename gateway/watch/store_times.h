// How long messages took from their last octet until they were durable, as a histogram for
// Prometheus. Never grows.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace gateway {

/// Belongs to the I/O thread; copied for whoever describes it elsewhere.
class StoreTimes {
public:
    /// The upper ends of the classes, in seconds; one more holds what is beyond.
    static constexpr std::array<double, 12> kEnds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                  0.1,   0.25,   0.5,   1,    10,    60};

    void add(std::chrono::duration<double> took) {
        const auto* const end = std::lower_bound(kEnds.begin(), kEnds.end(), took.count());
        ++m_counts[static_cast<std::size_t>(end - kEnds.begin())];
        m_sum += took.count();
    }
    /// In the class of that number, without those below.
    std::uint64_t count(std::size_t number) const { return m_counts.at(number); }
    /// Seconds, of all.
    double sum() const { return m_sum; }

private:
    std::array<std::uint64_t, kEnds.size() + 1> m_counts{};
    double m_sum = 0;
};

}  // namespace gateway
