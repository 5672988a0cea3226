#include "gateway/mail/canonical_json.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "gateway/base/utf8.h"

namespace gateway {

namespace {

using nlohmann::json;

/// The code point at the start of `text`, which is cut off; nothing where it is no UTF-8.
std::optional<char32_t> takeCodePoint(std::string_view& text) {
    const std::size_t length = utf8Length(text);
    if (length == 0) {
        return std::nullopt;
    }
    const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    char32_t code = length == 1 ? octet(0) : octet(0) & (0x7FU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        code = (code << 6U) | (octet(i) & 0x3FU);
    }
    text.remove_prefix(length);
    return code;
}

/// RFC 8785 section 3.2.3 sorts by UTF-16 code units, which differs from code points beyond U+FFFF.
/// What is no UTF-8 ends the key here; writing it is refused afterwards.
std::u16string utf16(std::string_view text) {
    std::u16string units;
    while (!text.empty()) {
        const auto code = takeCodePoint(text);
        if (!code) {
            break;
        }
        if (*code < 0x10000) {
            units += static_cast<char16_t>(*code);
        } else {
            units += static_cast<char16_t>(0xD800 + ((*code - 0x10000) >> 10U));
            units += static_cast<char16_t>(0xDC00 + ((*code - 0x10000) & 0x3FFU));
        }
    }
    return units;
}

class Writer {
public:
    bool write(const json& value, int depth) {
        if (depth > kDeepestValue) {
            return false;
        }
        switch (value.type()) {
            case json::value_t::object:
                return writeObject(value, depth);
            case json::value_t::array:
                return writeArray(value, depth);
            case json::value_t::string:
                return writeString(value.get_ref<const std::string&>());
            case json::value_t::boolean:
                m_text += value.get<bool>() ? "true" : "false";
                return true;
            case json::value_t::number_integer:
                return writeInteger(value.get<std::int64_t>());
            case json::value_t::number_unsigned:
                return value.get<std::uint64_t>() <= std::uint64_t{kGreatestInteger} &&
                       writeInteger(value.get<std::int64_t>());
            default:
                return false;
        }
    }

    std::string take() { return std::move(m_text); }

private:
    bool writeObject(const json& value, int depth) {
        std::vector<std::pair<std::u16string, const std::string*>> keys;
        for (const auto& item : value.items()) {
            keys.emplace_back(utf16(item.key()), &item.key());
        }
        std::sort(keys.begin(), keys.end());
        m_text += '{';
        for (const auto& [units, key] : keys) {
            if (key != keys.front().second) {
                m_text += ',';
            }
            if (!writeString(*key)) {
                return false;
            }
            m_text += ':';
            if (!write(value.at(*key), depth + 1)) {
                return false;
            }
        }
        m_text += '}';
        return true;
    }

    bool writeArray(const json& value, int depth) {
        m_text += '[';
        bool first = true;
        for (const json& element : value) {
            m_text += first ? "" : ",";
            first = false;
            if (!write(element, depth + 1)) {
                return false;
            }
        }
        m_text += ']';
        return true;
    }

    bool writeInteger(std::int64_t number) {
        m_text += std::to_string(number);
        return number >= -kGreatestInteger && number <= kGreatestInteger;
    }

    /// RFC 8785 section 3.2.2.2.
    bool writeString(std::string_view text) {
        m_text += '"';
        while (!text.empty()) {
            const std::string_view rest = text;
            const auto code = takeCodePoint(text);
            if (!code) {
                return false;
            }
            writeCharacter(*code, rest.substr(0, rest.size() - text.size()));
        }
        m_text += '"';
        return true;
    }

    void writeCharacter(char32_t code, std::string_view octets) {
        static constexpr std::string_view kHex = "0123456789abcdef";
        static constexpr std::string_view kNamed = "\b\t\n\f\r\"\\";
        static constexpr std::string_view kLetters = "btnfr\"\\";
        const std::size_t named =
            octets.size() == 1 ? kNamed.find(octets[0]) : std::string_view::npos;
        if (named != std::string_view::npos) {
            m_text += '\\';
            m_text += kLetters[named];
        } else if (code < 0x20) {
            m_text += "\\u00";
            m_text += kHex[code >> 4U];
            m_text += kHex[code & 15U];
        } else {
            m_text += octets;
        }
    }

    std::string m_text;
};

}  // namespace

std::optional<std::string> canonicalJson(const json& value) {
    Writer writer;
    if (!writer.write(value, 0)) {
        return std::nullopt;
    }
    return writer.take();
}

}  // namespace gateway
