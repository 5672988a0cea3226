// The few primitives the age format is made of, each from a library, each in one call.
// Never implements a cipher or a curve; HKDF alone is written out, for libsodium 1.0.18 has none.
// RFC 2104 (HMAC), RFC 5869 (HKDF), RFC 7748 (X25519), RFC 7914 (scrypt), RFC 8439
// (ChaCha20-Poly1305).
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

struct evp_cipher_ctx_st;  // OpenSSL's EVP_CIPHER_CTX

namespace crypto {

void hmacSha256(std::span<const std::byte> key,
                std::initializer_list<std::span<const std::byte>> parts,
                std::span<std::byte, 32> mac);

/// Extract and expand to one block: the 32 octets that age always asks for.
void hkdfSha256(std::span<const std::byte> keyMaterial, std::span<const std::byte> salt,
                std::string_view info, std::span<std::byte, 32> key);

/// The public half of `scalar`.
void x25519Base(std::span<const std::byte, 32> scalar, std::span<std::byte, 32> point);

/// False where the shared secret would be all zero, that is, where `point` is of low order and
/// anybody could compute the secret (RFC 7748 6.1).
[[nodiscard]] bool x25519(std::span<const std::byte, 32> scalar,
                          std::span<const std::byte, 32> point, std::span<std::byte, 32> shared);

/// scrypt with r = 8, p = 1; takes 2^(logN + 10) octets of memory for its time.
void scrypt(std::string_view passphrase, std::span<const std::byte> salt, int logN,
            std::span<std::byte, 32> key);

inline constexpr std::size_t kAeadTagSize = 16;
inline constexpr std::size_t kAeadNonceSize = 12;

/// ChaCha20-Poly1305 under one key. Through OpenSSL, which is three times as fast as
/// libsodium 1.0.18 on chunks of 64 KiB. Keeps the key in OpenSSL's context, which wipes it when
/// freed.
class Aead {
public:
    explicit Aead(std::span<const std::byte, 32> key);

    /// `sealed` is kAeadTagSize longer than `plaintext`.
    void seal(std::span<const std::byte, kAeadNonceSize> nonce,
              std::span<const std::byte> plaintext, std::span<std::byte> sealed);
    /// `plaintext` is kAeadTagSize shorter than `sealed`. Where the tag is wrong, false, and
    /// `plaintext` is wiped: nothing unproven is ever left in it.
    [[nodiscard]] bool open(std::span<const std::byte, kAeadNonceSize> nonce,
                            std::span<const std::byte> sealed, std::span<std::byte> plaintext);

private:
    struct Release {
        void operator()(evp_cipher_ctx_st* context) const;
    };
    std::unique_ptr<evp_cipher_ctx_st, Release> m_context;
};

}  // namespace crypto
