// The two recipient stanzas of the age format that Postern writes and opens: X25519 and scrypt.
// Never parses text (age_header.h does); other recipient types are somebody else's.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "crypto/keys.h"
#include "crypto/password.h"
#include "crypto/transient.h"

namespace crypto {

inline constexpr std::size_t kFileKeySize = 16;
using FileKey = Transient<kFileKeySize>;           ///< one per file, never used for a second one
using WrappedFileKey = std::array<std::byte, 32>;  ///< file key and tag

struct X25519Stanza {
    std::array<std::byte, 32> share{};  ///< the public half of a key made for this stanza alone
    WrappedFileKey body{};
};

struct ScryptStanza {
    std::array<std::byte, 16> salt{};
    int logN = 0;
    WrappedFileKey body{};
};

/// Throws gateway::Error(Corrupt) where `recipient` is a point of low order: what is sealed to it
/// could be opened by anybody.
X25519Stanza wrapFileKey(const FileKey& fileKey, const SealKey& recipient);
/// Throws gateway::Error(Config) where `passphrase` ends by NUL: to scrypt it would be another one.
ScryptStanza wrapFileKey(const FileKey& fileKey, const Password& passphrase, int logN);

/// False where the stanza is for somebody else. Throws gateway::Error(Corrupt) where the share is
/// of low order.
[[nodiscard]] bool unwrapFileKey(const X25519Stanza& stanza,
                                 std::span<const std::byte, 32> identity, const SealKey& recipient,
                                 FileKey& fileKey);
/// False where the passphrase is another one.
[[nodiscard]] bool unwrapFileKey(const ScryptStanza& stanza, const Password& passphrase,
                                 FileKey& fileKey);

}  // namespace crypto
