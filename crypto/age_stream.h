// Sealing and opening messages as a stream: the age format (age-encryption.org/v1) with exactly one
// X25519 stanza and a payload of 64 KiB chunks (STREAM, ChaCha20-Poly1305).
// Does no I/O and holds one chunk at most; plaintext is only given out after its tag was checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "crypto/keys.h"

namespace crypto {

inline constexpr std::size_t kChunkSize = 65536;  ///< plaintext octets of every chunk but the last
inline constexpr std::size_t kTagSize = 16;
inline constexpr std::size_t kHeaderSize = 168;  ///< a header with exactly one X25519 stanza
inline constexpr std::size_t kNonceSize = 16;    ///< between header and payload

/// The size of a sealed file that holds `plaintext` octets.
std::uint64_t sealedSize(std::uint64_t plaintext);

/// The inverse of sealedSize(); nothing where no sealed file has that size.
std::optional<std::uint64_t> plaintextSize(std::uint64_t sealed);

/// Seals one message to one recipient with a fresh file key.
class Sealer {
public:
    explicit Sealer(const SealKey& recipient);
    ~Sealer();
    Sealer(const Sealer&) = delete;
    Sealer& operator=(const Sealer&) = delete;
    Sealer(Sealer&&) noexcept;
    Sealer& operator=(Sealer&&) noexcept;

    /// Appends to `sealed` what is complete: at first header and nonce, then whole chunks.
    void seal(std::span<const std::byte> plaintext, std::string& sealed);
    /// Appends the last chunk. Nothing may follow.
    void finish(std::string& sealed);

private:
    struct State;
    std::unique_ptr<State> m_state;
};

/// Opens one message. Throws gateway::Error(Corrupt), saying what is wrong, for a header that is
/// not ours, another recipient, a changed, missing or swapped chunk, and for octets after the last
/// one.
class Opener {
public:
    explicit Opener(const OpenKey& identity);
    ~Opener();
    Opener(const Opener&) = delete;
    Opener& operator=(const Opener&) = delete;
    Opener(Opener&&) noexcept;
    Opener& operator=(Opener&&) noexcept;

    /// Takes the next octets of the sealed file, in pieces of any size, and appends to `plaintext`
    /// each chunk that is proven. The last one is held back until finish(), for only the end of the
    /// file tells which one that is.
    void open(std::span<const std::byte> sealed, std::string& plaintext);
    /// The sealed file ended here: appends the last chunk.
    void finish(std::string& plaintext);

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace crypto
