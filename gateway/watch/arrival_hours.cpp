#include "gateway/watch/arrival_hours.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gateway/base/json_text.h"
#include "gateway/mail/statement_toml.h"
#include "gateway/watch/learnt_file.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr const char* kTable = "mailbox";
constexpr std::size_t kBitsOfDigit = 4;
constexpr std::string_view kDigits = "0123456789abcdef";

std::int64_t hourOf(WallTime time) {
    return std::chrono::floor<std::chrono::hours>(time.time_since_epoch()).count();
}

/// Digit by digit, the last mail's hour first.
template <std::size_t N>
std::string hexOfBits(const std::bitset<N>& bits) {
    std::string text;
    for (std::size_t at = 0; at < N; at += kBitsOfDigit) {
        std::size_t digit = 0;
        for (std::size_t i = 0; i < kBitsOfDigit; ++i) {
            digit |= (bits[at + i] ? std::size_t{1} : std::size_t{0}) << i;
        }
        text += kDigits[digit];
    }
    return text;
}

template <std::size_t N>
std::optional<std::bitset<N>> bitsOfHex(const std::string& text) {
    if (text.size() != N / kBitsOfDigit) {
        return std::nullopt;
    }
    std::bitset<N> bits;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::size_t digit = kDigits.find(text[at]);
        if (digit == std::string_view::npos) {
            return std::nullopt;
        }
        for (std::size_t i = 0; i < kBitsOfDigit; ++i) {
            bits[at * kBitsOfDigit + i] = ((digit >> i) & 1U) != 0;
        }
    }
    return bits;
}

std::filesystem::path fileOf(const Layout& layout) { return layout.state() / "arrivals.toml"; }

}  // namespace

void ArrivalHours::received(const MailboxId& mailbox, WallTime now) {
    const std::int64_t hour = hourOf(now);
    const auto [place, isNew] = m_mailboxes.try_emplace(mailbox);
    Hours& hours = place->second;
    if (isNew) {
        hours.last = hour;
    }
    // Backwards where the clock was set back: what it showed before never was.
    const std::int64_t ahead = hour - hours.last;
    hours.before = ahead >= 0 ? hours.before << static_cast<std::size_t>(ahead)
                              : hours.before >> static_cast<std::size_t>(-ahead);
    hours.before.set(0);
    hours.last = hour;
}

bool ArrivalHours::Hours::isUsual(std::int64_t hour) const {
    std::size_t count = 0;
    for (std::size_t week = 1; week <= kWeeks; ++week) {
        const std::int64_t back = last - hour + static_cast<std::int64_t>(week * kHoursOfWeek);
        if (back >= 0 && static_cast<std::size_t>(back) < before.size() &&
            before[static_cast<std::size_t>(back)]) {
            ++count;
        }
    }
    return count >= kUsual;
}

std::chrono::hours ArrivalHours::missed(const MailboxId& mailbox, WallTime now) const {
    const auto found = m_mailboxes.find(mailbox);
    if (found == m_mailboxes.end()) {
        return std::chrono::hours(0);
    }
    const Hours& hours = found->second;
    // Later than that no week has mail any more.
    const std::int64_t end =
        std::min(hourOf(now), hours.last + static_cast<std::int64_t>(hours.before.size()));
    std::chrono::hours missed(0);
    for (std::int64_t hour = hours.last + 1; hour < end; ++hour) {
        missed += std::chrono::hours(hours.isUsual(hour) ? 1 : 0);
    }
    return missed;
}

std::string ArrivalHours::text() const {
    json entries = json::array();
    for (const auto& [mailbox, hours] : m_mailboxes) {
        entries.push_back({{"address", mailbox.str()},
                           {"last", formatTimestamp(WallTime(std::chrono::hours(hours.last)))},
                           {"hours", hexOfBits(hours.before)}});
    }
    json document{{"format", 1}};
    if (!entries.empty()) {
        document[kTable] = std::move(entries);
    }
    return "# In which hours mail came. May be deleted; what is usual is learnt anew then.\n" +
           formatToml(document);
}

std::optional<ArrivalHours> ArrivalHours::parse(std::string_view text, std::string& why) {
    const auto document = parseToml(text, why);
    if (!document) {
        return std::nullopt;
    }
    ArrivalHours arrivals;
    if (!isOfKnownFormat(*document, why, arrivals.m_fileIsNewer)) {
        return arrivals.m_fileIsNewer ? std::optional(arrivals) : std::nullopt;
    }
    const json entries = document->value(kTable, json::array());
    for (const json& entry : entries.is_array() ? entries : json::array()) {
        const auto mailbox = MailboxId::parse(textIn(entry, "address"));
        const auto last = parseTimestamp(textIn(entry, "last"));
        const auto bits = bitsOfHex<kHoursOfWeek * kWeeks>(textIn(entry, "hours"));
        if (!mailbox || !last || !bits) {
            why = "an entry is no mailbox with its hours";
            return std::nullopt;
        }
        arrivals.m_mailboxes[*mailbox] = {hourOf(*last), *bits};
    }
    return arrivals;
}

ArrivalHours ArrivalHours::load(const Layout& layout) {
    return loadLearnt<ArrivalHours>(fileOf(layout), "in which hours mail is usual is learnt anew");
}

void ArrivalHours::save(const Layout& layout) const {
    if (!m_fileIsNewer) {
        writeDurably(fileOf(layout), text());
    }
}

}  // namespace gateway
