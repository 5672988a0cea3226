#include "gateway/watch/disk_trend.h"

#include <chrono>

namespace gateway {

namespace {

using std::chrono::duration;
using std::chrono::hours;

constexpr std::chrono::minutes kBetween{10};
constexpr hours kRemembered{24};
constexpr hours kShortest{1};
constexpr hours kFarAway{30 * 24};

double secondsSince(WallTime from, WallTime to) { return duration<double>(to - from).count(); }

}  // namespace

void DiskTrend::add(WallTime now, std::uint64_t freeOctets) {
    if (!m_looks.empty() && now < m_looks.back().first) {
        m_looks.clear();  // the clock was set back
    }
    if (!m_looks.empty() && now - m_looks.back().first < kBetween) {
        return;
    }
    m_looks.emplace_back(now, freeOctets);
    while (now - m_looks.front().first > kRemembered) {
        m_looks.pop_front();
    }
}

/// The line of least squares through what was seen: one large file that came and went must not
/// decide alone.
std::optional<WallTime> DiskTrend::reaches(std::uint64_t least) const {
    if (m_looks.empty() || m_looks.back().first - m_looks.front().first < kShortest) {
        return std::nullopt;
    }
    const WallTime origin = m_looks.front().first;
    const auto count = static_cast<double>(m_looks.size());
    double meanTime = 0;
    double meanFree = 0;
    for (const auto& [at, octets] : m_looks) {
        meanTime += secondsSince(origin, at) / count;
        meanFree += static_cast<double>(octets) / count;
    }
    double product = 0;
    double square = 0;
    for (const auto& [at, octets] : m_looks) {
        const double away = secondsSince(origin, at) - meanTime;
        product += away * (static_cast<double>(octets) - meanFree);
        square += away * away;
    }
    const double slope = product / square;  // octets per second
    const auto [last, free] = m_looks.back();
    if (slope >= 0 || free <= least) {
        return std::nullopt;
    }
    const duration<double> left(static_cast<double>(free - least) / -slope);
    if (left > kFarAway) {
        return std::nullopt;
    }
    return last + std::chrono::duration_cast<WallTime::duration>(left);
}

}  // namespace gateway
