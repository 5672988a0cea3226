#include "gateway/store/receipt.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/base/text.h"

namespace gateway {

namespace {

using Kind = ReceiptEvent::Kind;

constexpr std::array<std::pair<Kind, std::string_view>, 5> kWords{{{Kind::Stored, "stored"},
                                                                   {Kind::Fetched, "fetched"},
                                                                   {Kind::Deleted, "deleted"},
                                                                   {Kind::Restored, "restored"},
                                                                   {Kind::Purged, "purged"}}};
constexpr std::string_view kNone = "-";
constexpr std::size_t kLongestWord = 100;
constexpr std::size_t kEventWords = 3;
constexpr std::size_t kStoredWords = 7;

/// What addresses and names of ciphers are made of; it means nothing in CSV, JSON or a terminal.
bool isPlain(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view(".:_%/-").find(c) != std::string_view::npos;
}

std::string wordOf(std::string_view text) {
    std::string word(text.empty() ? kNone : text.substr(0, kLongestWord));
    std::replace_if(word.begin(), word.end(), [](char c) { return !isPlain(c); }, '_');
    return word;
}

/// Nothing where two blanks follow one another, or one stands at an end.
std::optional<std::vector<std::string_view>> wordsOf(std::string_view line) {
    std::vector<std::string_view> words;
    for (std::size_t begin = 0; begin <= line.size();) {
        const std::size_t end = std::min(line.find(' ', begin), line.size());
        if (end == begin || words.size() == kStoredWords) {
            return std::nullopt;
        }
        words.push_back(line.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

bool parseSha256(std::string_view digits, std::array<std::byte, 32>& octets) {
    if (digits.size() != 2 * octets.size()) {
        return false;
    }
    for (std::size_t i = 0; i < octets.size(); ++i) {
        const int high = hexDigit(digits[2 * i]);
        const int low = hexDigit(digits[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        octets.at(i) = static_cast<std::byte>(high * 16 + low);
    }
    return true;
}

bool isWord(std::string_view word) {
    return word.size() <= kLongestWord && std::all_of(word.begin(), word.end(), isPlain);
}

}  // namespace

std::string lineOf(const ReceiptEvent& event) {
    const auto word = std::find_if(kWords.begin(), kWords.end(),
                                   [&](const auto& each) { return each.first == event.kind; });
    std::string line(word->second);
    line += ' ' + event.id.str() + ' ' + formatTimestamp(event.at);
    if (event.kind == Kind::Stored) {
        line += ' ' + std::to_string(event.file.octets) + ' ' + hexOf(event.file.sha256) + ' ' +
                wordOf(event.peer) + ' ' + wordOf(event.tls);
    }
    return line + '\n';
}

std::optional<ReceiptEvent> parseReceiptLine(std::string_view line) {
    const auto words = line.size() < kLongestReceiptLine
                           ? wordsOf(line)
                           : std::optional<std::vector<std::string_view>>();
    if (!words || words->size() < kEventWords) {
        return std::nullopt;
    }
    const auto word = std::find_if(kWords.begin(), kWords.end(),
                                   [&](const auto& each) { return each.second == words->front(); });
    const auto id = MessageId::parse((*words)[1]);
    const auto at = parseTimestamp((*words)[2]);
    if (word == kWords.end() || !id || !at ||
        words->size() != (word->first == Kind::Stored ? kStoredWords : kEventWords)) {
        return std::nullopt;
    }
    ReceiptEvent event(word->first, *id, *at);
    if (event.kind == Kind::Stored) {
        const auto octets = parseDecimal((*words)[3]);
        const std::string_view peer = (*words)[5];
        const std::string_view tls = (*words)[6];
        if (!octets || !parseSha256((*words)[4], event.file.sha256) || !isWord(peer) ||
            !isWord(tls)) {
            return std::nullopt;
        }
        event.file.octets = *octets;
        event.peer = peer;
        event.tls = tls == kNone ? "" : tls;
    }
    return event;
}

ReceiptFileName ReceiptFileName::at(WallTime time, const NodeId& node) {
    const std::string timestamp = formatTimestamp(time);
    return {timestamp.substr(0, timestamp.find('T')), node};
}

std::optional<ReceiptFileName> ReceiptFileName::parse(std::string_view name) {
    const std::size_t first = name.find('.');
    const std::size_t second = name.rfind('.');
    if (first == std::string_view::npos || first == second) {
        return std::nullopt;
    }
    const std::string day(name.substr(0, first));
    const auto node = NodeId::parse(name.substr(first + 1, second - first - 1));
    const std::string_view suffix = name.substr(second + 1);
    const auto format = suffix.starts_with('v') && suffix.size() < 6
                            ? parseDecimal(suffix.substr(1))
                            : std::nullopt;
    if (!parseTimestamp(day + "T00:00:00Z") || !node || !format) {
        return std::nullopt;
    }
    return ReceiptFileName(day, *node, static_cast<unsigned>(*format));
}

std::string ReceiptFileName::str() const {
    return day + '.' + node.str() + ".v" + std::to_string(format);
}

WallTime ReceiptFileName::begin() const {
    return parseTimestamp(day + "T00:00:00Z").value_or(WallTime());
}

void Receipt::take(const ReceiptEvent& event, const NodeId& writer) {
    switch (event.kind) {
        case Kind::Stored:
            received = event.at;
            node = writer;
            file = event.file;
            peer = event.peer;
            tls = event.tls;
            break;
        case Kind::Fetched:
            fetched = fetched ? std::min(*fetched, event.at) : event.at;
            break;
        case Kind::Deleted:
            deleted = event.at;
            break;
        case Kind::Restored:
            deleted.reset();
            break;
        case Kind::Purged:
            purged = event.at;
            break;
    }
}

}  // namespace gateway
