#include "gateway/base/clock.h"

#include <array>
#include <cstdio>

#include "gateway/base/text.h"

namespace gateway {

namespace {

constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Civil {
    explicit Civil(WallTime time)
        : day(std::chrono::floor<std::chrono::days>(time)),
          date(day),
          clock(std::chrono::floor<std::chrono::seconds>(time) - day) {}
    std::chrono::sys_days day;
    std::chrono::year_month_day date;
    std::chrono::hh_mm_ss<std::chrono::seconds> clock;
};

}  // namespace

std::string formatMailDate(WallTime time) {
    const Civil civil(time);
    std::array<char, 64> text{};
    const int length = std::snprintf(
        text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d +0000",
        kDays.at(std::chrono::weekday(civil.day).c_encoding()),
        static_cast<unsigned>(civil.date.day()),
        kMonths.at(static_cast<unsigned>(civil.date.month()) - 1),
        static_cast<int>(civil.date.year()), static_cast<int>(civil.clock.hours().count()),
        static_cast<int>(civil.clock.minutes().count()),
        static_cast<int>(civil.clock.seconds().count()));
    return {text.data(), static_cast<std::size_t>(length)};
}

std::string formatTimestamp(WallTime time) {
    const Civil civil(time);
    std::array<char, 64> text{};
    const int length = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
        static_cast<int>(civil.date.year()), static_cast<unsigned>(civil.date.month()),
        static_cast<unsigned>(civil.date.day()), static_cast<int>(civil.clock.hours().count()),
        static_cast<int>(civil.clock.minutes().count()),
        static_cast<int>(civil.clock.seconds().count()));
    return {text.data(), static_cast<std::size_t>(length)};
}

std::optional<WallTime> parseTimestamp(std::string_view text) {
    static constexpr std::string_view kForm = "0000-00-00T00:00:00Z";
    if (text.size() != kForm.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (kForm[i] == '0' ? !digit : text[i] != kForm[i]) {
            return std::nullopt;
        }
    }
    const auto number = [&](std::size_t from, std::size_t length) {
        return static_cast<int>(*parseDecimal(text.substr(from, length)));
    };
    const std::chrono::year_month_day date(std::chrono::year(number(0, 4)),
                                           std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                           std::chrono::day(static_cast<unsigned>(number(8, 2))));
    // WallTime counts nanoseconds in 64 bits: 1677 to 2262.
    if (number(0, 4) < 1700 || number(0, 4) > 2200) {
        return std::nullopt;
    }
    if (!date.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59) {
        return std::nullopt;
    }
    return std::chrono::sys_days(date) + std::chrono::hours(number(11, 2)) +
           std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2));
}

}  // namespace gateway
