// The ASCII armor of age files: strict PEM (RFC 7468 section 3) with one label.
// Never guesses: what is not canonical is no armor, since two texts for one file would let somebody
// change a record without breaking it.
#include <algorithm>

#include "crypto/base64.h"
#include "crypto/sealed_text.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

constexpr std::string_view kBegin = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::string_view kEnd = "-----END AGE ENCRYPTED FILE-----";
constexpr std::size_t kColumns = 64;

/// Takes the next line off `text`; LF and CRLF both end one, as the age specification permits.
std::string_view takeLine(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    return line;
}

}  // namespace

std::string armor(std::string_view binary) {
    const std::string base64 = encodeBase64(gateway::octetsOf(binary));
    std::string armored(kBegin);
    armored += '\n';
    for (std::size_t i = 0; i < base64.size(); i += kColumns) {
        armored.append(base64, i, kColumns);
        armored += '\n';
    }
    armored += kEnd;
    armored += '\n';
    return armored;
}

std::optional<std::string> dearmor(std::string_view armored) {
    std::string_view rest = gateway::trimmed(armored);
    if (takeLine(rest) != kBegin) {
        return std::nullopt;
    }
    std::string base64;
    bool shortLine = false;
    while (true) {
        const std::string_view line = takeLine(rest);
        if (line == kEnd) {
            break;
        }
        // Every line is full but the last, which is not empty.
        if (shortLine || line.empty() || line.size() > kColumns) {
            return std::nullopt;
        }
        shortLine = line.size() < kColumns;
        base64 += line;
    }
    return rest.empty() ? decodeBase64(base64) : std::nullopt;
}

}  // namespace crypto
