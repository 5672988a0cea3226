#include "gateway/mail/statement_toml.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <vector>

#include <toml++/toml.h>

#include "gateway/base/clock.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr int kMostNesting = 16;

/// Finds keys of too many parts and values nested too deep, which toml++ would build (and free)
/// by recursion until the stack ends: `a.a.a.a.… = 1`.
class NestingGuard {
public:
    explicit NestingGuard(std::string_view text) : m_text(text) {}

    bool tooDeep() {
        while (m_at < m_text.size()) {
            const char c = m_text[m_at];
            if (c == '"' || c == '\'') {
                skipString(c);
            } else if (c == '#') {
                m_at = std::min(m_text.find('\n', m_at), m_text.size());
            } else {
                count(c);
                ++m_at;
            }
            if (m_dots > kMostNesting || m_depth > kMostNesting) {
                return true;
            }
        }
        return false;
    }

private:
    void count(char c) {
        if (c == '.') {
            ++m_dots;
        } else if (c == '\n' || c == ',' || c == '=' || c == '{') {
            m_dots = 0;
        }
        m_depth += c == '{' || c == '[' ? 1 : 0;
        m_depth -= c == '}' || c == ']' ? 1 : 0;
    }

    void skipString(char quote) {
        const std::string three(3, quote);
        const bool several = m_text.substr(m_at).starts_with(three);
        const std::string_view end =
            several ? std::string_view(three) : std::string_view(three).substr(0, 1);
        m_at += end.size();
        while (m_at < m_text.size() && !m_text.substr(m_at).starts_with(end)) {
            // A string of one line ends there in any case: toml++ will say so.
            if (!several && m_text[m_at] == '\n') {
                return;
            }
            m_at += quote == '"' && m_text[m_at] == '\\' ? 2 : 1;
        }
        m_at += end.size();
        // Up to two quotes more than end it are part of it (TOML 1.0.0, "String").
        for (int more = 0; several && more < 2 && m_at < m_text.size() && m_text[m_at] == quote;
             ++more) {
            ++m_at;
        }
    }

    std::string_view m_text;
    std::size_t m_at = 0;
    int m_dots = 0;
    int m_depth = 0;
};

std::string textOfInstant(const toml::date_time& when) {
    const auto [year, month, day] = when.date;
    if (when.offset && when.time.nanosecond == 0) {
        const auto date = std::chrono::year(year) / month / day;
        const auto instant = std::chrono::sys_days(date) + std::chrono::hours(when.time.hour) +
                             std::chrono::minutes(when.time.minute) +
                             std::chrono::seconds(when.time.second) -
                             std::chrono::minutes(when.offset->minutes);
        if (year >= 1700 && year <= 2200) {
            return formatTimestamp(instant);
        }
    }
    std::ostringstream text;
    text << when;
    return text.str();
}

json toJson(const toml::node& node) {
    if (const auto* table = node.as_table()) {
        json object = json::object();
        for (const auto& [key, value] : *table) {
            object[std::string(key.str())] = toJson(value);
        }
        return object;
    }
    if (const auto* array = node.as_array()) {
        json list = json::array();
        for (const toml::node& value : *array) {
            list.push_back(toJson(value));
        }
        return list;
    }
    if (const auto* text = node.as_string()) {
        return text->get();
    }
    if (const auto* number = node.as_integer()) {
        return number->get();
    }
    if (const auto* truth = node.as_boolean()) {
        return truth->get();
    }
    if (const auto* fraction = node.as_floating_point()) {
        return fraction->get();
    }
    if (const auto* when = node.as_date_time()) {
        return textOfInstant(when->get());
    }
    std::ostringstream text;
    if (const auto* date = node.as_date()) {
        text << date->get();
    } else if (const auto* time = node.as_time()) {
        text << time->get();
    }
    return text.str();
}

std::string basicString(std::string_view text) {
    static constexpr std::string_view kNamed = "\b\t\n\f\r\"\\";
    static constexpr std::string_view kLetters = "btnfr\"\\";
    static constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string result = "\"";
    for (const char c : text) {
        const std::size_t named = kNamed.find(c);
        const auto octet = static_cast<unsigned char>(c);
        if (named != std::string_view::npos) {
            result += '\\';
            result += kLetters[named];
        } else if (octet < 0x20 || octet == 0x7F) {
            result += "\\u00";
            result += kHex[octet >> 4U];
            result += kHex[octet & 15U];
        } else {
            result += c;
        }
    }
    return result + '"';
}

/// The quotes between which a text of several lines can stand as it is, so that an admin can cut it
/// out: an armored age file, a record in a backup. Nothing where there are none.
std::optional<std::string> quotesOfLines(std::string_view text) {
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
        return c == '\n' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7F);
    });
    if (!plain || text.find('\n') == std::string_view::npos) {
        return std::nullopt;
    }
    if (text.find_first_of("\"\\") == std::string_view::npos) {
        return "\"\"\"";
    }
    const bool literal = text.find("'''") == std::string_view::npos && !text.ends_with('\'');
    return literal ? std::make_optional<std::string>("'''") : std::nullopt;
}

std::string formatKey(const std::string& key) {
    const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
    return bare ? key : basicString(key);
}

std::string formatValue(const json& value) {
    if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        const auto quotes = quotesOfLines(text);
        return quotes ? *quotes + '\n' + text + *quotes : basicString(text);
    }
    std::string result;
    const char* separator = "";
    if (value.is_array()) {
        for (const json& element : value) {
            result += separator + formatValue(element);
            separator = ", ";
        }
        return '[' + result + ']';
    }
    if (value.is_object()) {
        for (const auto& item : value.items()) {
            result += separator + formatKey(item.key()) + " = " + formatValue(item.value());
            separator = ", ";
        }
        return '{' + result + '}';
    }
    return value.dump();  // integers and truth values are the same in both languages
}

/// What a reader looks for first stands first, the long and the last at the end.
std::vector<std::string> orderedKeys(const json& table) {
    static constexpr std::array<std::string_view, 4> kFirst{"format", "counter", "at", "kind"};
    const auto rank = [](const std::string& key) {
        return key == "signature"
                   ? kFirst.size() + 1
                   : static_cast<std::size_t>(std::find(kFirst.begin(), kFirst.end(), key) -
                                              kFirst.begin());
    };
    std::vector<std::string> keys;
    for (const auto& item : table.items()) {
        keys.push_back(item.key());
    }
    std::sort(keys.begin(), keys.end(), [&rank](const std::string& a, const std::string& b) {
        return std::pair(rank(a), a) < std::pair(rank(b), b);
    });
    return keys;
}

bool isTables(const json& value) {
    return value.is_array() && !value.empty() &&
           std::all_of(value.begin(), value.end(),
                       [](const json& each) { return each.is_object(); });
}

void formatTable(const json& table, std::string& text) {
    for (const std::string& key : orderedKeys(table)) {
        const json& value = table.at(key);
        const bool instant = key == "at" && value.is_string() &&
                             parseTimestamp(value.get_ref<const std::string&>()).has_value();
        text += formatKey(key) + " = " + (instant ? value.get<std::string>() : formatValue(value)) +
                '\n';
    }
}

}  // namespace

std::optional<json> parseToml(std::string_view text, std::string& why) {
    if (NestingGuard(text).tooDeep()) {
        why = "it nests deeper than any file of ours";
        return std::nullopt;
    }
    try {
        return toJson(toml::parse(text));
    } catch (const toml::parse_error& error) {
        why = "line " + std::to_string(error.source().begin.line) + ": " +
              std::string(error.description());
        return std::nullopt;
    }
}

std::string formatToml(const json& object) {
    json plain = json::object();
    std::string tables;
    for (const auto& [key, value] : object.items()) {
        if (!isTables(value)) {
            plain[key] = value;
            continue;
        }
        for (const json& table : value) {
            tables += "\n[[" + formatKey(key) + "]]\n";
            formatTable(table, tables);
        }
    }
    std::string text;
    formatTable(plain, text);
    return text + tables;
}

}  // namespace gateway
