// How many messages came and went, per hour of the last day and per day of the last month: counters
// that may be lost. Kept in state/traffic.toml; never decides anything, names no mailbox.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/mail/layout.h"

namespace gateway {

/// A value. In the server the I/O thread owns the one that changes. Hours and days are those of
/// UTC.
class TrafficHistory {
public:
    static constexpr int kHours = 24;
    static constexpr int kDays = 30;

    struct Counts {
        std::uint64_t received = 0;  ///< copies stored: one for each mailbox
        std::uint64_t fetched = 0;   ///< sent whole to an archiver
        bool operator==(const Counts&) const = default;
    };

    void received(WallTime now) { add(now, &Counts::received); }
    void fetched(WallTime now) { add(now, &Counts::fetched); }

    /// {hours: [{at, received, fetched} × kHours], days: [… × kDays]}, oldest first, the present
    /// one last; `at` is when it began.
    nlohmann::json describe(WallTime now) const;

    /// The file's text, and what it says; nothing where it is none, with `why`.
    std::string text() const;
    static std::optional<TrafficHistory> parse(std::string_view text, std::string& why);

    /// Blocking. Empty where there is no file, or none that can be used, which is logged: it is
    /// replaced then, unless it is of a newer format.
    static TrafficHistory load(const Layout& layout);
    /// Blocking.
    void save(const Layout& layout) const;

    bool operator==(const TrafficHistory&) const = default;

private:
    using Period = std::int64_t;  ///< hours or days since 1970
    using Counted = std::map<Period, Counts>;

    void add(WallTime now, std::uint64_t Counts::* what);

    Counted m_hours;
    Counted m_days;
    bool m_fileIsNewer = false;  ///< then it is left untouched
};

}  // namespace gateway
