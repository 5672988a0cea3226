// The payload of an age file: 64 KiB chunks, each sealed with ChaCha20-Poly1305 under the payload
// key (STREAM). Never gives out an octet whose tag was not checked; holds one chunk at most.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "crypto/age_stanza.h"
#include "crypto/age_stream.h"
#include "crypto/primitives.h"

namespace crypto {

inline constexpr std::size_t kSealedChunkSize = kChunkSize + kTagSize;
using PayloadNonce = std::array<std::byte, kNonceSize>;

/// Whether a chunk is the last one is part of its nonce, so a file cut at a chunk's end, or one
/// that goes on after its last chunk, does not open.
enum class Place { Inner, Last };

/// The chunks of one payload, in order.
class ChunkCipher {
public:
    ChunkCipher(const FileKey& fileKey, const PayloadNonce& nonce);

    /// `sealed` is kTagSize longer than `plaintext`.
    void seal(std::span<const std::byte> plaintext, Place place, std::span<std::byte> sealed);
    /// The next chunk; false, and the same chunk is still next, where it is not the one at `place`.
    [[nodiscard]] bool open(std::span<const std::byte> sealed, Place place,
                            std::span<std::byte> plaintext);
    std::uint64_t done() const { return m_counter; }  ///< chunks so far

private:
    std::array<std::byte, kAeadNonceSize> nonceOf(Place place) const;
    Aead m_aead;
    std::uint64_t m_counter = 0;
};

/// Cuts what comes into chunks and seals them under a nonce of its own.
class PayloadSealer {
public:
    explicit PayloadSealer(const FileKey& fileKey);
    ~PayloadSealer();
    PayloadSealer(const PayloadSealer&) = delete;
    PayloadSealer& operator=(const PayloadSealer&) = delete;

    const PayloadNonce& nonce() const { return m_nonce; }
    void seal(std::span<const std::byte> plaintext, std::string& sealed);
    void finish(std::string& sealed);

private:
    void sealChunk(std::span<const std::byte> plaintext, Place place, std::string& sealed);
    void sealHeld(Place place, std::string& sealed);

    PayloadNonce m_nonce;
    ChunkCipher m_cipher;
    std::string m_held;  ///< plaintext not yet sealed, at most one chunk
};

/// Opens what PayloadSealer made, in pieces of any size. Throws gateway::Error(Corrupt),
/// "age payload: …".
class PayloadOpener {
public:
    PayloadOpener(const FileKey& fileKey, const PayloadNonce& nonce) : m_cipher(fileKey, nonce) {}

    void open(std::span<const std::byte> sealed, std::string& plaintext);
    void finish(std::string& plaintext);

private:
    bool openChunk(std::span<const std::byte> sealed, Place place, std::string& plaintext);
    void openInner(std::span<const std::byte> sealed, std::string& plaintext);

    ChunkCipher m_cipher;
    std::string m_held;  ///< sealed octets not yet opened, at most one chunk
};

/// Opens a whole payload, nonce included, into locked memory.
SecretBuffer openPayload(const FileKey& fileKey, std::span<const std::byte> payload);

}  // namespace crypto
