#include "acme/retry_after.h"

#include <algorithm>
#include <array>
#include <limits>

#include "gateway/base/text.h"

namespace acme {

namespace {

/// Rate limits are counted over a week; who says more is mistaken.
constexpr std::chrono::seconds kMost{std::chrono::hours(24 * 8)};

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// The number at these two or four places; one beyond every field's range where there is none.
unsigned numberAt(std::string_view text, std::size_t at, std::size_t digits) {
    return static_cast<unsigned>(gateway::parseDecimal(text.substr(at, digits))
                                     .value_or(std::numeric_limits<unsigned>::max()));
}

}  // namespace

std::optional<gateway::WallTime> parseHttpDate(std::string_view text) {
    constexpr std::string_view kForm = "Sun, 06 Nov 1994 08:49:37 GMT";
    if (text.size() != kForm.size() || text.substr(3, 2) != ", " || !text.ends_with(" GMT") ||
        text[19] != ':' || text[22] != ':') {
        return std::nullopt;
    }
    const auto* const month = std::find(kMonths.begin(), kMonths.end(), text.substr(8, 3));
    const unsigned hour = numberAt(text, 17, 2);
    const unsigned minute = numberAt(text, 20, 2);
    const unsigned second = numberAt(text, 23, 2);
    const unsigned year = numberAt(text, 12, 4);
    if (month == kMonths.end() || hour > 23 || minute > 59 || second > 60 || year < 1970 ||
        year > 2200) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{
        std::chrono::year(static_cast<int>(year)),
        std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
        std::chrono::day(std::min(numberAt(text, 5, 2), 99U))};
    if (!date.ok()) {
        return std::nullopt;
    }
    return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
           std::chrono::seconds(second);
}

std::optional<std::chrono::seconds> retryAfter(const gateway::HttpAnswer& answer,
                                               gateway::WallTime now) {
    const auto value = answer.header("Retry-After");
    if (!value) {
        return std::nullopt;
    }
    if (const auto seconds = gateway::parseDecimal(*value)) {
        return std::chrono::seconds(std::min(*seconds, static_cast<std::uint64_t>(kMost.count())));
    }
    if (const auto at = parseHttpDate(*value)) {
        return std::clamp(std::chrono::ceil<std::chrono::seconds>(*at - now),
                          std::chrono::seconds(0), kMost);
    }
    return std::nullopt;
}

}  // namespace acme
