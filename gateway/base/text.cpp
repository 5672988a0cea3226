#include "gateway/base/text.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "gateway/base/utf8.h"

namespace gateway {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

/// Splits "200 MiB" into number and unit and multiplies; nothing on overflow or an unknown unit.
std::optional<std::uint64_t> parseWithUnit(std::string_view text, std::span<const Unit> units) {
    const auto end =
        std::find_if(text.begin(), text.end(), [](char c) { return c < '0' || c > '9'; });
    const auto digits = static_cast<std::size_t>(end - text.begin());
    const auto number = parseDecimal(text.substr(0, digits));
    const std::string_view name = trimmed(text.substr(digits));
    if (!number) {
        return std::nullopt;
    }
    for (const Unit& unit : units) {
        if (unit.name == name) {
            if (*number > UINT64_MAX / unit.factor) {
                return std::nullopt;
            }
            return *number * unit.factor;
        }
    }
    return std::nullopt;
}

/// C1 controls (U+0080…U+009F) and the line and paragraph separators move a terminal's cursor too.
bool isControl(std::string_view sequence) {
    if (sequence.size() == 1) {
        return sequence[0] >= 0 && (sequence[0] < 0x20 || sequence[0] == 0x7F);
    }
    return (sequence.size() == 2 && sequence[0] == '\xC2' &&
            static_cast<unsigned char>(sequence[1]) < 0xA0) ||
           sequence == "\xE2\x80\xA8" || sequence == "\xE2\x80\xA9";
}

}  // namespace

std::span<const std::byte> octetsOf(std::string_view text) {
    return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

std::string_view textOf(std::span<const std::byte> octets) {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

std::string lowered(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), lower);
    return result;
}

bool equalsIgnoringCase(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](char a, char b) { return lower(a) == lower(b); });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && isBlank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && isBlank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

std::string hexOf(std::span<const std::byte> octets) {
    std::string result;
    result.reserve(octets.size() * 2);
    for (const std::byte octet : octets) {
        const auto value = std::to_integer<unsigned>(octet);
        result += kHexDigits[value >> 4U];
        result += kHexDigits[value & 15U];
    }
    return result;
}

int hexDigit(char c) {
    const std::size_t at =
        kHexDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::optional<std::uint64_t> parseDecimal(std::string_view digits) {
    std::uint64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc() || stop != end) {
        return std::nullopt;
    }
    return value;
}

std::optional<std::uint64_t> parseSize(std::string_view text) {
    static constexpr std::array<Unit, 6> kUnits{{{"", 1},
                                                 {"B", 1},
                                                 {"KiB", 1ULL << 10U},
                                                 {"MiB", 1ULL << 20U},
                                                 {"GiB", 1ULL << 30U},
                                                 {"TiB", 1ULL << 40U}}};
    return parseWithUnit(text, kUnits);
}

std::optional<std::chrono::seconds> parseDuration(std::string_view text) {
    static constexpr std::array<Unit, 4> kUnits{{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}};
    // A thousand years: beyond it the arithmetic of clocks would overflow.
    constexpr std::uint64_t kMost = 1000ULL * 366 * 86400;
    const auto value = parseWithUnit(text, kUnits);
    if (!value || *value > kMost) {
        return std::nullopt;
    }
    return std::chrono::seconds(static_cast<std::int64_t>(*value));
}

std::string describeSize(std::uint64_t octets) {
    static constexpr std::array<std::string_view, 4> kUnits{"KiB", "MiB", "GiB", "TiB"};
    if (octets < 1024) {
        return std::to_string(octets) + (octets == 1 ? " octet" : " octets");
    }
    // In tenths, by integers: the C locale's decimal point must not matter.
    std::uint64_t whole = octets;
    std::uint64_t rest = 0;
    std::size_t unit = 0;
    for (;; ++unit) {
        rest = whole % 1024;
        whole /= 1024;
        if (whole < 1024 || unit + 1 == kUnits.size()) {
            break;
        }
    }
    std::string result = std::to_string(whole);
    if (whole < 10 && rest * 10 / 1024 > 0) {
        result += '.';
        result += std::to_string(rest * 10 / 1024);
    }
    result += ' ';
    result += kUnits[unit];
    return result;
}

std::string printable(std::string_view text, std::size_t most) {
    std::string result;
    while (!text.empty()) {
        if (result.size() >= most) {
            result += "…";
            break;
        }
        const std::size_t length = utf8Length(text);
        if (text[0] == '\\') {
            result += "\\\\";
        } else if (length == 0 || isControl(text.substr(0, length))) {
            for (const char c : text.substr(0, std::max<std::size_t>(length, 1))) {
                result += "\\x";
                result += kHexDigits[static_cast<unsigned char>(c) >> 4U];
                result += kHexDigits[static_cast<unsigned char>(c) & 15U];
            }
        } else {
            result += text.substr(0, length);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return result;
}

}  // namespace gateway
