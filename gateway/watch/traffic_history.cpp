#include "gateway/watch/traffic_history.h"

#include <algorithm>
#include <array>

#include "gateway/mail/statement_toml.h"
#include "gateway/watch/learnt_file.h"

namespace gateway {

namespace {

using nlohmann::json;
using std::chrono::hours;
using Counted = std::map<std::int64_t, TrafficHistory::Counts>;

constexpr hours kHour{1};
constexpr hours kDay{24};

std::int64_t periodAt(WallTime time, hours length) {
    const std::int64_t since = std::chrono::floor<hours>(time.time_since_epoch()).count();
    const std::int64_t whole = since / length.count();
    return since % length.count() < 0 ? whole - 1 : whole;
}

WallTime startOf(std::int64_t period, hours length) { return WallTime(period * length); }

/// What lies before the last `count` periods, or after this one: a clock that was set back.
void forget(Counted& counted, std::int64_t now, int count) {
    counted.erase(counted.begin(), counted.upper_bound(now - count));
    counted.erase(counted.upper_bound(now), counted.end());
}

json asJson(std::int64_t period, hours length, const TrafficHistory::Counts& counts) {
    return {{"at", formatTimestamp(startOf(period, length))},
            {"received", counts.received},
            {"fetched", counts.fetched}};
}

json lastOf(const Counted& counted, WallTime now, hours length, int count) {
    json all = json::array();
    const std::int64_t present = periodAt(now, length);
    for (std::int64_t period = present - count + 1; period <= present; ++period) {
        const auto found = counted.find(period);
        all.push_back(asJson(period, length,
                             found == counted.end() ? TrafficHistory::Counts() : found->second));
    }
    return all;
}

json asArray(const Counted& counted, hours length) {
    json all = json::array();
    for (const auto& [period, counts] : counted) {
        all.push_back(asJson(period, length, counts));
    }
    return all;
}

/// Whether `entries` are such counts.
bool read(const json& entries, hours length, Counted& into) {
    if (!entries.is_array()) {
        return false;
    }
    for (const json& entry : entries) {
        if (!entry.is_object()) {
            return false;
        }
        const json at = entry.value("at", json());
        const json received = entry.value("received", json());
        const json fetched = entry.value("fetched", json());
        const auto time =
            at.is_string() ? parseTimestamp(at.get<std::string>()) : std::optional<WallTime>();
        const bool counts = received.is_number_integer() && received >= 0 &&
                            fetched.is_number_integer() && fetched >= 0;
        if (!time || !counts) {
            return false;
        }
        into[periodAt(*time, length)] = {received.get<std::uint64_t>(),
                                         fetched.get<std::uint64_t>()};
    }
    return true;
}

std::filesystem::path fileOf(const Layout& layout) { return layout.state() / "traffic.toml"; }

}  // namespace

void TrafficHistory::add(WallTime now, std::uint64_t Counts::* what) {
    const std::int64_t hour = periodAt(now, kHour);
    const std::int64_t day = periodAt(now, kDay);
    ++(m_hours[hour].*what);
    ++(m_days[day].*what);
    if (m_hours.size() > 2 * kHours || m_days.size() > 2 * kDays) {
        forget(m_hours, hour, kHours);
        forget(m_days, day, kDays);
    }
}

json TrafficHistory::describe(WallTime now) const {
    return {{"hours", lastOf(m_hours, now, kHour, kHours)},
            {"days", lastOf(m_days, now, kDay, kDays)}};
}

std::string TrafficHistory::text() const {
    json document{{"format", 1}};
    for (const auto& [name, entries] :
         {std::pair("hour", asArray(m_hours, kHour)), std::pair("day", asArray(m_days, kDay))}) {
        if (!entries.empty()) {
            document[name] = entries;
        }
    }
    return "# Messages received and fetched per hour and per day. May be deleted; counting begins "
           "anew then.\n" +
           formatToml(document);
}

std::optional<TrafficHistory> TrafficHistory::parse(std::string_view text, std::string& why) {
    const auto document = parseToml(text, why);
    if (!document) {
        return std::nullopt;
    }
    TrafficHistory history;
    if (!isOfKnownFormat(*document, why, history.m_fileIsNewer)) {
        return history.m_fileIsNewer ? std::optional(history) : std::nullopt;
    }
    if (!read(document->value("hour", json::array()), kHour, history.m_hours) ||
        !read(document->value("day", json::array()), kDay, history.m_days)) {
        why = "an entry is no time with two counts";
        return std::nullopt;
    }
    return history;
}

TrafficHistory TrafficHistory::load(const Layout& layout) {
    return loadLearnt<TrafficHistory>(fileOf(layout),
                                      "messages received and fetched so far are counted anew");
}

void TrafficHistory::save(const Layout& layout) const {
    if (!m_fileIsNewer) {
        writeDurably(fileOf(layout), text());
    }
}

}  // namespace gateway
