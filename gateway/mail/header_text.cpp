#include "gateway/mail/header_text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <iconv.h>
#include <vector>

#include "crypto/base64.h"
#include "gateway/base/text.h"
#include "gateway/base/utf8.h"

namespace gateway {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr std::string_view kEllipsis = "\xe2\x80\xa6";
/// Encoded text is at most four times as long as what is shown of it.
constexpr std::size_t kMostDecoded = 8192;

/// Charsets that mail comes in, and what the C library calls them. No others: converters of rare
/// ones are where its errors are (CVE-2024-2961).
constexpr auto kCharsets = std::to_array<std::pair<std::string_view, const char*>>({
    {"iso-8859-1", "WINDOWS-1252"},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-3", "ISO-8859-3"},
    {"iso-8859-4", "ISO-8859-4"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-9", "ISO-8859-9"},
    {"iso-8859-10", "ISO-8859-10"},
    {"iso-8859-13", "ISO-8859-13"},
    {"iso-8859-14", "ISO-8859-14"},
    {"iso-8859-15", "ISO-8859-15"},
    {"iso-8859-16", "ISO-8859-16"},
    {"windows-1250", "WINDOWS-1250"},
    {"windows-1251", "WINDOWS-1251"},
    {"windows-1252", "WINDOWS-1252"},
    {"windows-1253", "WINDOWS-1253"},
    {"windows-1254", "WINDOWS-1254"},
    {"windows-1255", "WINDOWS-1255"},
    {"windows-1256", "WINDOWS-1256"},
    {"windows-1257", "WINDOWS-1257"},
    {"windows-1258", "WINDOWS-1258"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"gb18030", "GB18030"},
    {"big5", "BIG5"},
    {"shift_jis", "SHIFT_JIS"},
    {"euc-jp", "EUC-JP"},
    {"iso-2022-jp", "ISO-2022-JP"},
    {"euc-kr", "CP949"},
    {"ks_c_5601-1987", "CP949"},
    {"tis-620", "TIS-620"},
});

class Converter {
public:
    explicit Converter(const char* charset) : m_handle(::iconv_open("UTF-8", charset)) {}
    ~Converter() {
        if (known()) {
            ::iconv_close(m_handle);
        }
    }
    Converter(const Converter&) = delete;
    Converter& operator=(const Converter&) = delete;

    /// iconv_open() gives (iconv_t)-1 for a charset that it does not know.
    bool known() const { return std::bit_cast<std::intptr_t>(m_handle) != -1; }

    /// What cannot be converted becomes U+FFFD, an octet at a time.
    std::string convert(std::string octets) {
        std::string text;
        std::array<char, 1024> room{};
        char* in = octets.data();
        std::size_t left = octets.size();
        while (left > 0) {
            char* out = room.data();
            std::size_t space = room.size();
            const std::size_t done = ::iconv(m_handle, &in, &left, &out, &space);
            const bool stuck = done == static_cast<std::size_t>(-1) && errno != E2BIG;
            text.append(room.data(), room.size() - space);
            if (stuck) {
                text += kReplacement;
                ++in;
                --left;
            }
        }
        return text;
    }

private:
    ::iconv_t m_handle;
};

bool isUnicode(std::string_view charset) { return charset == "utf-8" || charset == "us-ascii"; }

/// Nothing where the charset is not known.
std::optional<std::string> toUtf8(const std::string& charset, const std::string& octets) {
    if (isUnicode(charset)) {
        return octets;  // what is none of it is found at the end
    }
    const auto* const known = std::find_if(kCharsets.begin(), kCharsets.end(),
                                           [&](const auto& one) { return one.first == charset; });
    if (known == kCharsets.end()) {
        return std::nullopt;
    }
    Converter converter(known->second);
    return converter.known() ? std::optional(converter.convert(octets)) : std::nullopt;
}

/// RFC 2047 4.2.
std::optional<std::string> decodeQ(std::string_view text) {
    std::string octets;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '=') {
            const int high = i + 2 < text.size() ? hexDigit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hexDigit(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return std::nullopt;
            }
            octets += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            octets += text[i] == '_' ? ' ' : text[i];
        }
    }
    return octets;
}

/// RFC 2047 4.1; padding may be missing.
std::optional<std::string> decodeB(std::string_view text) {
    while (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    return crypto::decodeBase64(text, crypto::Base64::Unpadded);
}

struct EncodedWord {
    std::string charset;  ///< lower case
    std::string octets;
    std::size_t length = 0;  ///< of the whole word
};

/// RFC 2047 section 2: `=?charset?encoding?text?=`, with a language behind the charset (RFC 2231).
std::optional<EncodedWord> encodedWordAt(std::string_view text) {
    const std::size_t charsetEnd = text.find('?', 2);
    if (!text.starts_with("=?") || charsetEnd == std::string_view::npos || charsetEnd > 60 ||
        charsetEnd + 2 >= text.size() || text[charsetEnd + 2] != '?') {
        return std::nullopt;
    }
    const std::size_t begin = charsetEnd + 3;
    const std::size_t end = text.find_first_of("? \t", begin);
    if (end == std::string_view::npos || !text.substr(end).starts_with("?=")) {
        return std::nullopt;
    }
    const std::string_view inside = text.substr(begin, end - begin);
    std::optional<std::string> octets;
    if (const char encoding = text[charsetEnd + 1]; encoding == 'B' || encoding == 'b') {
        octets = decodeB(inside);
    } else if (encoding == 'Q' || encoding == 'q') {
        octets = decodeQ(inside);
    }
    if (!octets) {
        return std::nullopt;
    }
    EncodedWord word;
    const std::string_view charset = text.substr(2, charsetEnd - 2);
    word.charset = lowered(charset.substr(0, charset.find('*')));
    word.octets = std::move(*octets);
    word.length = end + 2;
    return word;
}

/// Text between encoded words, and those in a row as one: they may cut a character in two.
class Decoder {
public:
    std::string decode(std::string_view text) {
        while (!text.empty()) {
            if (auto word = encodedWordAt(text)) {
                take(std::move(*word), text.substr(0, word->length));
                text.remove_prefix(word->length);
                continue;
            }
            const char c = text.front();
            if (!m_raw.empty() && (c == ' ' || c == '\t')) {
                m_blanks += c;
            } else {
                endRun(true);
                m_result += c;
            }
            text.remove_prefix(1);
        }
        endRun(true);
        return std::move(m_result);
    }

private:
    void take(EncodedWord word, std::string_view asItStands) {
        if (!m_raw.empty() && word.charset != m_charset) {
            endRun(false);  // RFC 2047 6.2: blanks between two of them do not count
        }
        m_charset = std::move(word.charset);
        m_octets += word.octets;
        m_raw += m_blanks;
        m_raw += asItStands;
        m_blanks.clear();
    }

    void endRun(bool blanksCount) {
        if (m_raw.empty()) {
            return;
        }
        const auto text = toUtf8(m_charset, m_octets);
        m_result += text ? *text : m_raw;
        m_result += blanksCount || !text ? m_blanks : "";
        m_octets.clear();
        m_raw.clear();
        m_blanks.clear();
    }

    std::string m_result;
    std::string m_charset;  ///< of the run that is not ended yet
    std::string m_octets;
    std::string m_raw;     ///< the run as it stands; empty: there is none
    std::string m_blanks;  ///< behind it
};

/// A control character of ASCII or of the second half of ISO 8859, or a line's end of Unicode.
bool isControl(std::string_view character) {
    const auto first = static_cast<unsigned char>(character.front());
    return first < 0x20U || first == 0x7fU ||
           (first == 0xc2U && static_cast<unsigned char>(character[1]) < 0xa0U) ||
           character == "\xe2\x80\xa8" || character == "\xe2\x80\xa9";
}

std::string displayable(std::string_view text, std::size_t most) {
    std::string result;
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(utf8Length(text), 1);
        std::string_view character = text.substr(0, length);
        text.remove_prefix(length);
        if (utf8Length(character) == 0) {
            character = kReplacement;
        } else if (isControl(character)) {
            character = " ";
        }
        if (result.size() + character.size() > most) {
            result += kEllipsis;
            break;
        }
        result += character;
    }
    return result;
}

/// Where the field that `text` begins with ends: before its line end, or at the end of the text.
std::size_t endOfField(std::string_view text) {
    std::size_t end = text.find("\r\n");
    while (end != std::string_view::npos && end + 2 < text.size() &&
           (text[end + 2] == ' ' || text[end + 2] == '\t')) {
        end = text.find("\r\n", end + 2);
    }
    return std::min(end, text.size());
}

std::string unfolded(std::string_view body) {
    std::string result;
    for (std::size_t fold = body.find("\r\n"); fold != std::string_view::npos;
         fold = body.find("\r\n")) {
        result += body.substr(0, fold);
        body.remove_prefix(fold + 2);
    }
    return result += body;
}

}  // namespace

std::optional<std::string> headerBody(std::string_view message, std::string_view name,
                                      std::size_t most) {
    while (!message.empty() && !message.starts_with("\r\n")) {
        const std::size_t end = endOfField(message);
        const std::string_view field = message.substr(0, end);
        if (field.size() > name.size() && field[name.size()] == ':' &&
            equalsIgnoringCase(field.substr(0, name.size()), name)) {
            return std::string(trimmed(unfolded(field.substr(name.size() + 1).substr(0, most))));
        }
        message.remove_prefix(std::min(end + 2, message.size()));
    }
    return std::nullopt;
}

std::string readableText(std::string_view body, std::size_t most) {
    return displayable(Decoder().decode(body.substr(0, kMostDecoded)), most);
}

}  // namespace gateway
