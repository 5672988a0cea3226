// How free space has changed in the last day, and when it will come to an end at that pace.
// Never looks at a disk itself.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "gateway/base/clock.h"

namespace gateway {

class DiskTrend {
public:
    /// Remembers one look every ten minutes, for a day.
    void add(WallTime now, std::uint64_t freeOctets);
    /// When only `least` octets would be free; nothing where space does not shrink, would last a
    /// month, or was not watched for an hour.
    std::optional<WallTime> reaches(std::uint64_t least) const;

private:
    std::deque<std::pair<WallTime, std::uint64_t>> m_looks;  ///< in order of time
};

}  // namespace gateway
