#include "crypto/secret_fields.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>

#include "crypto/secret.h"
#include "gateway/base/text.h"
#include "gateway/base/utf8.h"

namespace crypto {

namespace {

constexpr auto kSecrets = std::to_array<std::string_view>(
    {"password", "earlier_password", "identity", "passphrase", "token", "pair", "invitation"});

constexpr std::string_view kBlanks = " \t\r\n";

/// Takes four hex digits from the front.
std::optional<char32_t> takeUnit(std::string_view& text) {
    char32_t unit = 0;
    for (int i = 0; i < 4; ++i) {
        const int value = text.empty() ? -1 : gateway::hexDigit(text.front());
        if (value < 0) {
            return std::nullopt;
        }
        unit = unit * 16 + static_cast<char32_t>(value);
        text.remove_prefix(1);
    }
    return unit;
}

void appendUtf8(std::string& text, char32_t point) {
    const auto add = [&](char32_t octet) { text += static_cast<char>(octet); };
    if (point < 0x80) {
        add(point);
    } else if (point < 0x800) {
        add(0xc0U | point >> 6U);
        add(0x80U | (point & 0x3fU));
    } else if (point < 0x10000) {
        add(0xe0U | point >> 12U);
        add(0x80U | (point >> 6U & 0x3fU));
        add(0x80U | (point & 0x3fU));
    } else {
        add(0xf0U | point >> 18U);
        add(0x80U | (point >> 12U & 0x3fU));
        add(0x80U | (point >> 6U & 0x3fU));
        add(0x80U | (point & 0x3fU));
    }
}

/// RFC 8259 section 7, behind "\u"; pairs of surrogates are one character.
bool takeEscapedPoint(std::string_view& raw, std::string& into) {
    const auto unit = takeUnit(raw);
    if (!unit || (*unit >= 0xdc00 && *unit < 0xe000)) {
        return false;
    }
    if (*unit < 0xd800 || *unit >= 0xe000) {
        appendUtf8(into, *unit);
        return true;
    }
    if (!raw.starts_with("\\u")) {
        return false;
    }
    raw.remove_prefix(2);
    const auto second = takeUnit(raw);
    if (!second || *second < 0xdc00 || *second >= 0xe000) {
        return false;
    }
    appendUtf8(into, 0x10000 + ((*unit - 0xd800) << 10U) + (*second - 0xdc00));
    return true;
}

/// What stands between the quotes of a JSON text, decoded into `into`, which has the room; false
/// where it is malformed.
bool decode(std::string_view raw, std::string& into) {
    static constexpr std::string_view kEscapes = "\"\\/bfnrt";
    static constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    while (!raw.empty()) {
        if (raw.front() != '\\') {
            const std::size_t length = gateway::utf8Length(raw);
            if (length == 0 || static_cast<unsigned char>(raw.front()) < 0x20U) {
                return false;
            }
            into += raw.substr(0, length);
            raw.remove_prefix(length);
            continue;
        }
        const char escape = raw.size() > 1 ? raw[1] : '\0';
        raw.remove_prefix(std::min<std::size_t>(raw.size(), 2));
        const std::size_t known = kEscapes.find(escape);
        if (known != std::string_view::npos) {
            into += kMeant[known];
        } else if (escape != 'u' || !takeEscapedPoint(raw, into)) {
            return false;
        }
    }
    return true;
}

/// Where the text that begins at `quote` ends: its second quote; nothing where it does not.
std::size_t endOfText(std::string_view text, std::size_t quote) {
    std::size_t at = text.find_first_of("\"\\", quote + 1);
    while (at != std::string_view::npos && text[at] == '\\') {
        at = text.find_first_of("\"\\", at + 2);
    }
    return at;
}

/// Where the text begins that is the value of the key which ends at `quote`; nothing where no text
/// is.
std::size_t startOfValue(std::string_view text, std::size_t quote) {
    std::size_t at = text.find_first_not_of(kBlanks, quote + 1);
    if (at == std::string_view::npos || text[at] != ':') {
        return std::string_view::npos;
    }
    at = text.find_first_not_of(kBlanks, at + 1);
    return at != std::string_view::npos && text[at] == '"' ? at : std::string_view::npos;
}

bool isSecret(std::string_view name) {
    return std::find(kSecrets.begin(), kSecrets.end(), name) != kSecrets.end();
}

/// Calls `visit` with the name of each secret of the outermost object and with where its text
/// begins and ends, between the quotes.
template <typename Visit>
void scan(std::string_view text, Visit visit) {
    int depth = 0;
    for (std::size_t at = text.find_first_of("\"{}[]"); at != std::string_view::npos;
         at = text.find_first_of("\"{}[]", at + 1)) {
        if (text[at] != '"') {
            depth += text[at] == '{' || text[at] == '[' ? 1 : -1;
            continue;
        }
        const std::size_t end = endOfText(text, at);
        if (end == std::string_view::npos) {
            break;
        }
        const std::string_view name = text.substr(at + 1, end - at - 1);
        const std::size_t value =
            depth == 1 && isSecret(name) ? startOfValue(text, end) : std::string_view::npos;
        at = end;
        const std::size_t valueEnd =
            value == std::string_view::npos ? value : endOfText(text, value);
        if (valueEnd != std::string_view::npos) {
            visit(name, value + 1, valueEnd);
            at = valueEnd;
        }
    }
}

/// What stands between the quotes where that text is written (RFC 8259 section 7); empty where it
/// is no UTF-8.
SecretBuffer escaped(std::string_view text) {
    static constexpr std::string_view kHex = "0123456789abcdef";
    static constexpr std::size_t kLongestEscape = 6;
    SecretBuffer room(text.size() * kLongestEscape);
    const auto octets = room.writable();
    std::size_t size = 0;
    const auto add = [&](char c) { octets[size++] = static_cast<std::byte>(c); };
    while (!text.empty()) {
        const std::size_t length = gateway::utf8Length(text);
        if (length == 0) {
            return {};
        }
        const auto first = static_cast<unsigned char>(text.front());
        if (first < 0x20U) {
            for (const char c : {'\\', 'u', '0', '0', kHex[first >> 4U], kHex[first & 15U]}) {
                add(c);
            }
        } else {
            if (first == '"' || first == '\\') {
                add('\\');
            }
            for (const char c : text.substr(0, length)) {
                add(c);
            }
        }
        text.remove_prefix(length);
    }
    return SecretBuffer(room.view().first(size));
}

}  // namespace

Secrets cutSecrets(std::string& text) {
    Secrets secrets;
    scan(text, [&](std::string_view name, std::size_t begin, std::size_t end) {
        std::string secret;
        secret.reserve(end - begin + 1);  // growing would leave copies behind
        if (decode(std::string_view(text).substr(begin, end - begin), secret)) {
            secrets.emplace_back(std::string(name), Password(secret));
            std::fill(text.begin() + static_cast<std::ptrdiff_t>(begin),
                      text.begin() + static_cast<std::ptrdiff_t>(end), 'x');
        }
        wipe(std::span<char>(secret.data(), secret.capacity()));
    });
    return secrets;
}

std::string writeWithSecrets(nlohmann::json& object) {
    std::map<std::string_view, SecretBuffer> taken;
    for (const std::string_view name : kSecrets) {
        const auto found = object.is_object() ? object.find(name) : object.end();
        if (found == object.end() || !found->is_string()) {
            continue;
        }
        auto& text = found->get_ref<std::string&>();
        SecretBuffer written = escaped(text);
        if (written.size() >= text.size()) {
            wipe(std::span<char>(text));
            *found = std::string(written.size(), 'x');
            taken.emplace(name, std::move(written));
        }
    }
    std::string text = object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    text += '\n';
    scan(text, [&](std::string_view name, std::size_t begin, std::size_t end) {
        const auto found = taken.find(name);
        if (found != taken.end() && found->second.size() == end - begin) {
            const std::string_view written = found->second.text();
            std::copy(written.begin(), written.end(),
                      text.begin() + static_cast<std::ptrdiff_t>(begin));
        }
    });
    return text;
}

void putBack(const Secrets& secrets, nlohmann::json& object) {
    if (!object.is_object()) {
        return;
    }
    std::set<std::string_view> done;
    for (auto at = secrets.rbegin(); at != secrets.rend(); ++at) {  // of two the last one counts
        const auto& [name, secret] = *at;
        const auto found = object.find(name);
        // A later field of that name may be something else.
        if (done.insert(name).second && found != object.end() && found->is_string() &&
            found->get_ref<const std::string&>().find_first_not_of('x') == std::string::npos) {
            *found = std::string(secret.view());
        }
    }
}

void wipeSecrets(nlohmann::json& object) {
    if (!object.is_object()) {
        return;
    }
    for (const std::string_view name : kSecrets) {
        const auto found = object.find(name);
        if (found != object.end() && found->is_string()) {
            wipe(std::span<char>(found->get_ref<std::string&>()));
        }
    }
}

}  // namespace crypto
