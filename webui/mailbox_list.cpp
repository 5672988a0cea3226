#include "webui/mailbox_list.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "gateway/base/text.h"
#include "webui/api.h"

namespace webui {

namespace {

using nlohmann::json;

constexpr auto kSorts = std::to_array<std::string_view>(
    {"name", "status", "waiting", "oldest", "last_received", "last_fetched"});
constexpr auto kStatuses = std::to_array<std::string_view>({"active", "suspended", "deleted"});
constexpr char kBetween = '\n';  // in a cursor; no name holds one

[[noreturn]] void throwBad(const std::string& text) { throw Refused{400, "bad_request", text}; }

template <typename Known>
bool isOneOf(const Known& known, std::string_view text) {
    return std::find(known.begin(), known.end(), text) != known.end();
}

/// Where a row stands: what has no value last, then by value, then by address.
struct Place {
    bool none = false;
    std::string key;
    std::string address;

    bool isBefore(const Place& other, bool descending) const {
        if (none != other.none) {
            return other.none;
        }
        if (key != other.key) {
            return descending ? key > other.key : key < other.key;
        }
        return address < other.address;
    }
};

/// As many digits as 2^64 has, so that texts compare as numbers do.
std::string digits(std::uint64_t number) {
    const std::string text = std::to_string(number);
    return std::string(20 - text.size(), '0') + text;
}

Place placeOf(const json& mailbox, const std::string& sort) {
    Place place;
    place.address = mailbox.at("address").get<std::string>();
    if (sort == "waiting") {
        place.key = digits(mailbox.at("waiting").at("messages").get<std::uint64_t>());
        return place;
    }
    const json& value = sort == "oldest" ? mailbox.at("waiting").at("oldest") : mailbox.at(sort);
    place.none = value.is_null();
    place.key = place.none ? std::string() : gateway::lowered(value.get_ref<const std::string&>());
    return place;
}

std::string cursorOf(const Place& place) {
    const std::string text = (place.none ? "1" : "0") + place.key + kBetween + place.address;
    return gateway::hexOf(gateway::octetsOf(text));
}

Place parseCursor(const std::string& cursor) {
    std::string text;
    for (std::size_t i = 0; i + 1 < cursor.size(); i += 2) {
        text += static_cast<char>(std::strtoul(cursor.substr(i, 2).c_str(), nullptr, 16));
    }
    const std::size_t mark = text.rfind(kBetween);
    if (mark == std::string::npos || mark == 0 ||
        gateway::hexOf(gateway::octetsOf(text)) != cursor) {
        throwBad("`after` must be what `next` of the page before was.");
    }
    return {text.front() == '1', text.substr(1, mark - 1), text.substr(mark + 1)};
}

std::vector<std::string> wordsOf(const std::string& search) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : gateway::lowered(search) + ' ') {
        if (c != ' ') {
            word += c;
        } else if (!word.empty()) {
            words.push_back(word.substr(0, word.starts_with("mbx-") ? word.find('@') : word.npos));
            word.clear();
        }
    }
    return words;
}

bool fits(const json& mailbox, const std::vector<std::string>& words, const std::string& status) {
    if (!status.empty() && mailbox.at("status").get_ref<const std::string&>() != status) {
        return false;
    }
    std::string text;
    for (const char* name : {"name", "description", "address"}) {
        text += mailbox.at(name).get_ref<const std::string&>() + kBetween;
    }
    text = gateway::lowered(text);
    return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
        return text.find(word) != std::string::npos;
    });
}

}  // namespace

MailboxQuery MailboxQuery::parse(const std::map<std::string, std::string>& query) {
    MailboxQuery wanted;
    const auto take = [&](const char* name, std::string& into) {
        const auto found = query.find(name);
        if (found != query.end()) {
            into = found->second;
        }
    };
    std::string order = "asc";
    std::string limit = "100";
    take("search", wanted.search);
    take("status", wanted.status);
    take("sort", wanted.sort);
    take("order", order);
    take("limit", limit);
    take("after", wanted.after);
    if (!isOneOf(kSorts, wanted.sort)) {
        throwBad("`sort` is name, status, waiting, oldest, last_received or last_fetched.");
    }
    if (!wanted.status.empty() && !isOneOf(kStatuses, wanted.status)) {
        throwBad("`status` is active, suspended or deleted.");
    }
    if (order != "asc" && order != "desc") {
        throwBad("`order` is asc or desc.");
    }
    wanted.descending = order == "desc";
    const auto number = gateway::parseDecimal(limit);
    if (!number || *number == 0 || *number > kMostRows) {
        throwBad("`limit` is a number from 1 to 500.");
    }
    wanted.limit = *number;
    if (!wanted.after.empty()) {
        parseCursor(wanted.after);
    }
    return wanted;
}

json pageOf(const json& mailboxes, const MailboxQuery& query) {
    const std::vector<std::string> words = wordsOf(query.search);
    std::optional<Place> after;
    if (!query.after.empty()) {
        after = parseCursor(query.after);
    }
    std::size_t matching = 0;
    std::vector<std::pair<Place, const json*>> rows;
    for (const json& mailbox : mailboxes) {
        if (!fits(mailbox, words, query.status)) {
            continue;
        }
        ++matching;
        Place place = placeOf(mailbox, query.sort);
        if (!after || after->isBefore(place, query.descending)) {
            rows.emplace_back(std::move(place), &mailbox);
        }
    }
    const std::size_t count = std::min(query.limit, rows.size());
    const auto end = rows.begin() + static_cast<std::ptrdiff_t>(count);
    std::partial_sort(rows.begin(), end, rows.end(), [&](const auto& left, const auto& right) {
        return left.first.isBefore(right.first, query.descending);
    });
    json page = json::array();
    std::for_each(rows.begin(), end, [&](const auto& row) { page.push_back(*row.second); });
    const bool more = count > 0 && count < rows.size();
    return {{"mailboxes", std::move(page)},
            {"total", mailboxes.size()},
            {"matching", matching},
            {"next", more ? json(cursorOf(rows[count - 1].first)) : json()}};
}

}  // namespace webui
