#include "crypto/age_header.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

#include "crypto/base64.h"
#include "crypto/primitives.h"
#include "crypto/sealed_text.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

constexpr std::string_view kVersionLine = "age-encryption.org/v1";
constexpr std::string_view kStanzaMark = "-> ";
constexpr std::string_view kMacMark = "---";
constexpr std::string_view kX25519 = "X25519";
constexpr std::string_view kScrypt = "scrypt";
constexpr std::size_t kColumns = 64;
constexpr std::size_t kX25519Arguments = 2;
constexpr std::size_t kScryptArguments = 3;

[[noreturn]] void malformed(const std::string& what) {
    throw gateway::Error(gateway::Error::Kind::Corrupt, "age header: " + what);
}

/// Hands out the lines of a header. A line ends with LF; one without is no line.
class Lines {
public:
    explicit Lines(std::string_view file) : m_text(file.substr(0, kGreatestHeaderSize)) {}

    std::string_view next() {
        const std::size_t end = m_text.find('\n', m_position);
        if (end == std::string_view::npos) {
            malformed(m_text.size() == kGreatestHeaderSize ? "longer than 64 KiB"
                                                           : "the file ends within it");
        }
        const std::string_view line = m_text.substr(m_position, end - m_position);
        m_position = end + 1;
        return line;
    }

    std::size_t position() const { return m_position; }

private:
    std::string_view m_text;
    std::size_t m_position = 0;
};

/// Fills `octets` from canonical base64 without padding, of exactly that size.
void decodeExactly(std::string_view text, std::span<std::byte> octets, const char* what) {
    const std::optional<std::string> decoded = decodeBase64(text, Base64::Unpadded);
    if (!decoded || decoded->size() != octets.size()) {
        malformed(std::string(what) + " is not " + std::to_string(octets.size()) +
                  " octets in base64");
    }
    std::ranges::copy(gateway::octetsOf(*decoded), octets.begin());
}

/// `argument *(SP argument)`, each of visible ASCII characters.
std::vector<std::string_view> splitArguments(std::string_view line) {
    std::vector<std::string_view> arguments;
    while (true) {
        const std::size_t end = std::min(line.find(' '), line.size());
        const std::string_view argument = line.substr(0, end);
        const bool visible =
            std::ranges::all_of(argument, [](char c) { return c > ' ' && c < 127; });
        if (argument.empty() || !visible) {
            malformed("a stanza with an empty or unprintable argument");
        }
        arguments.push_back(argument);
        if (end == line.size()) {
            return arguments;
        }
        line.remove_prefix(end + 1);
    }
}

/// Full lines of 64 columns, then one that is shorter and may be empty.
std::string readBody(Lines& lines) {
    std::string body;
    while (true) {
        const std::string_view line = lines.next();
        const std::optional<std::string> octets = decodeBase64(line, Base64::Unpadded);
        if (line.size() > kColumns || !octets) {
            malformed("a stanza's body is not base64 in lines of 64 columns");
        }
        body += *octets;
        if (line.size() < kColumns) {
            return body;
        }
    }
}

WrappedFileKey wrappedFileKey(std::string_view body) {
    WrappedFileKey wrapped{};
    if (body.size() != wrapped.size()) {
        malformed("a stanza's body is not the size of a wrapped file key");
    }
    std::ranges::copy(gateway::octetsOf(body), wrapped.begin());
    return wrapped;
}

/// The age specification: `^[1-9][0-9]*$`. The upper bound keeps a hostile file from costing
/// gigabytes and minutes.
int parseCost(std::string_view text) {
    const std::optional<std::uint64_t> cost = gateway::parseDecimal(text);
    if (!cost || text.starts_with('0')) {
        malformed("the cost of a scrypt stanza is no number");
    }
    if (*cost < kLeastCost || *cost > kGreatestCost) {
        malformed("scrypt cost " + std::to_string(*cost) + " is outside " +
                  std::to_string(kLeastCost) + "-" + std::to_string(kGreatestCost));
    }
    return static_cast<int>(*cost);
}

void readStanza(std::string_view line, Lines& lines, AgeHeader& header) {
    const std::vector<std::string_view> arguments = splitArguments(line.substr(kStanzaMark.size()));
    const std::string body = readBody(lines);
    if (arguments[0] == kX25519) {
        if (arguments.size() != kX25519Arguments) {
            malformed("an X25519 stanza has a wrong number of arguments");
        }
        X25519Stanza stanza;
        decodeExactly(arguments[1], stanza.share, "the share of an X25519 stanza");
        stanza.body = wrappedFileKey(body);
        header.x25519.push_back(stanza);
    } else if (arguments[0] == kScrypt) {
        if (arguments.size() != kScryptArguments || header.scrypt) {
            malformed("a scrypt stanza has a wrong number of arguments or is not the only one");
        }
        ScryptStanza stanza;
        decodeExactly(arguments[1], stanza.salt, "the salt of a scrypt stanza");
        stanza.logN = parseCost(arguments[2]);
        stanza.body = wrappedFileKey(body);
        header.scrypt = stanza;
    } else {
        ++header.others;
    }
}

void computeMac(std::string_view authenticated, const FileKey& fileKey,
                std::span<std::byte, 32> mac) {
    Transient<32> key;
    hkdfSha256(fileKey.view(), {}, "header", key.writable());
    hmacSha256(key.view(), {gateway::octetsOf(authenticated)}, mac);
}

/// Both our stanzas have a body of 43 characters: one short line.
std::string finishHeader(const std::string& arguments, const WrappedFileKey& body,
                         const FileKey& fileKey) {
    std::string header(kVersionLine);
    header += '\n';
    header += kStanzaMark;
    header += arguments + '\n' + encodeBase64(body, Base64::Unpadded) + '\n';
    header += kMacMark;
    std::array<std::byte, 32> mac{};
    computeMac(header, fileKey, mac);
    header += ' ' + encodeBase64(mac, Base64::Unpadded) + '\n';
    return header;
}

}  // namespace

AgeHeader parseAgeHeader(std::string_view file) {
    Lines lines(file);
    AgeHeader header;
    if (lines.next() != kVersionLine) {
        malformed("the first line is not \"age-encryption.org/v1\"");
    }
    while (true) {
        const std::size_t start = lines.position();
        const std::string_view line = lines.next();
        if (line.starts_with(kStanzaMark)) {
            readStanza(line, lines, header);
            continue;
        }
        if (!line.starts_with(kMacMark) || line.substr(kMacMark.size(), 1) != " ") {
            malformed("a line is neither stanza nor MAC");
        }
        decodeExactly(line.substr(kMacMark.size() + 1), header.mac, "the MAC");
        header.authenticated = file.substr(0, start + kMacMark.size());
        header.size = lines.position();
        break;
    }
    const std::size_t stanzas = header.x25519.size() + header.others;
    if (header.scrypt ? stanzas != 0 : stanzas == 0) {
        // Whoever knows a passphrase trusts that the file comes from one who knows it; a second
        // stanza would let others write such a file.
        malformed(header.scrypt ? "a scrypt stanza is not the only one" : "no stanza");
    }
    return header;
}

void checkMac(const AgeHeader& header, const FileKey& fileKey) {
    std::array<std::byte, 32> mac{};
    computeMac(header.authenticated, fileKey, mac);
    if (!equalInConstantTime(mac, header.mac)) {
        throw gateway::Error(gateway::Error::Kind::Corrupt,
                             "age header MAC: the header was changed");
    }
}

std::string writeAgeHeader(const X25519Stanza& stanza, const FileKey& fileKey) {
    return finishHeader(std::string(kX25519) + ' ' + encodeBase64(stanza.share, Base64::Unpadded),
                        stanza.body, fileKey);
}

std::string writeAgeHeader(const ScryptStanza& stanza, const FileKey& fileKey) {
    return finishHeader(std::string(kScrypt) + ' ' + encodeBase64(stanza.salt, Base64::Unpadded) +
                            ' ' + std::to_string(stanza.logN),
                        stanza.body, fileKey);
}

}  // namespace crypto
