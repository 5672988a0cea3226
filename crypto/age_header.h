// The textual header of an age file: version line, recipient stanzas, MAC.
// Never opens a stanza, never looks beyond the header's end, and refuses what the age specification
// does not allow to the letter: no CR, no padding, no stray bits, no blank too many.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/age_stanza.h"

namespace crypto {

/// A longer header is refused unread. Room for some 600 X25519 stanzas.
inline constexpr std::size_t kGreatestHeaderSize = 65536;

struct AgeHeader {
    std::vector<X25519Stanza> x25519;
    std::optional<ScryptStanza> scrypt;  ///< where there is one it is the only stanza
    std::size_t others = 0;              ///< stanzas of types that are not ours
    std::string_view authenticated;      ///< what the MAC is over; points into the parsed text
    std::array<std::byte, 32> mac{};
    std::size_t size = 0;  ///< octets up to and including the MAC line's LF
};

/// Parses the header that `file` begins with; the rest of `file` is not looked at. Throws
/// gateway::Error(Corrupt), "age header: …".
AgeHeader parseAgeHeader(std::string_view file);

/// Throws gateway::Error(Corrupt), "age header MAC: …", where the header was changed by somebody
/// who does not know `fileKey`. To be called before a single octet of the payload is opened.
void checkMac(const AgeHeader& header, const FileKey& fileKey);

/// A header with that one stanza.
std::string writeAgeHeader(const X25519Stanza& stanza, const FileKey& fileKey);
std::string writeAgeHeader(const ScryptStanza& stanza, const FileKey& fileKey);

}  // namespace crypto
