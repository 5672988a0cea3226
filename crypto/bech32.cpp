#include "crypto/bech32.h"

#include <array>
#include <cstdint>

#include "gateway/base/error.h"

namespace crypto {

namespace {

constexpr std::string_view kLowerAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::string_view kUpperAlphabet = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L";
constexpr int kChecksumGroups = 6;

bool isUpper(std::string_view prefix) { return prefix.front() >= 'A' && prefix.front() <= 'Z'; }

std::string_view alphabetOf(std::string_view prefix) {
    return isUpper(prefix) ? kUpperAlphabet : kLowerAlphabet;
}

/// The BCH code of BIP 173, fed with one five-bit group after the other.
class Checksum {
public:
    explicit Checksum(std::string_view prefix) {
        for (const char c : prefix) {
            feed(codeOf(c) >> 5);
        }
        feed(0);
        for (const char c : prefix) {
            feed(codeOf(c) & 31);
        }
    }

    void feed(std::uint32_t group) {
        constexpr std::array<std::uint32_t, 5> kGenerator{0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                          0x3d4233dd, 0x2a1462b3};
        const std::uint32_t top = m_state >> 25;
        m_state = (m_state & 0x1ffffff) << 5 ^ group;
        for (std::size_t i = 0; i < kGenerator.size(); ++i) {
            m_state ^= (top >> i & 1) != 0 ? kGenerator[i] : 0;
        }
    }

    std::uint32_t state() const { return m_state; }

private:
    /// BIP 173: the checksum is always that of the lower-case form.
    static std::uint32_t codeOf(char c) {
        return static_cast<std::uint32_t>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }

    std::uint32_t m_state = 1;
};

}  // namespace

void encodeBech32(std::string_view prefix, std::span<const std::byte> octets,
                  std::span<char> text) {
    if (text.size() != bech32Size(prefix.size(), octets.size())) {
        throw gateway::Error(gateway::Error::Kind::Internal, "Bech32 text of a wrong size");
    }
    const std::string_view alphabet = alphabetOf(prefix);
    Checksum checksum(prefix);
    auto next = prefix.copy(text.data(), prefix.size());
    text[next++] = '1';
    const auto put = [&](std::uint32_t group) { text[next++] = alphabet[group & 31]; };
    std::uint32_t pending = 0;
    int bits = 0;
    for (const std::byte octet : octets) {
        pending = (pending << 8 | std::to_integer<std::uint32_t>(octet)) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5) {
            put(pending >> (bits - 5));
            checksum.feed(pending >> (bits - 5) & 31);
        }
    }
    if (bits > 0) {
        put(pending << (5 - bits));
        checksum.feed(pending << (5 - bits) & 31);
    }
    for (int i = 0; i < kChecksumGroups; ++i) {
        checksum.feed(0);
    }
    for (int i = kChecksumGroups - 1; i >= 0; --i) {
        put((checksum.state() ^ 1) >> (5 * i));
    }
}

bool decodeBech32(std::string_view prefix, std::string_view text, std::span<std::byte> octets) {
    if (text.size() != bech32Size(prefix.size(), octets.size()) || !text.starts_with(prefix) ||
        text[prefix.size()] != '1') {
        return false;
    }
    const std::string_view alphabet = alphabetOf(prefix);
    Checksum checksum(prefix);
    std::uint32_t pending = 0;
    int bits = 0;
    std::size_t done = 0;
    const std::string_view groups = text.substr(prefix.size() + 1);
    for (std::size_t i = 0; i < groups.size(); ++i) {
        const std::size_t group = alphabet.find(groups[i]);
        if (group == std::string_view::npos) {
            return false;
        }
        checksum.feed(static_cast<std::uint32_t>(group));
        if (i + kChecksumGroups >= groups.size()) {
            continue;
        }
        pending = (pending << 5 | static_cast<std::uint32_t>(group)) & 0xfff;
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            octets[done++] = static_cast<std::byte>(pending >> bits & 0xff);
        }
    }
    const bool strayBits = (pending & ((1U << bits) - 1)) != 0;
    return checksum.state() == 1 && !strayBits && done == octets.size();
}

}  // namespace crypto
