#include "crypto/primitives.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/c_octets.h"
#include "crypto/secret.h"
#include "crypto/sodium.h"
#include "crypto/transient.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

[[noreturn]] void refused(const std::string& call) {
    throw gateway::Error(gateway::Error::Kind::Internal, call + " failed");
}

/// Looked up once: OpenSSL would search its providers anew for every message.
const EVP_CIPHER* chacha20Poly1305() {
    static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
    return cipher;
}

}  // namespace

void hmacSha256(std::span<const std::byte> key,
                std::initializer_list<std::span<const std::byte>> parts,
                std::span<std::byte, 32> mac) {
    requireSodium();
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, asInput(key), key.size());
    for (const std::span<const std::byte> part : parts) {
        crypto_auth_hmacsha256_update(&state, asInput(part), part.size());
    }
    crypto_auth_hmacsha256_final(&state, asOutput(mac));
    sodium_memzero(&state, sizeof state);
}

void hkdfSha256(std::span<const std::byte> keyMaterial, std::span<const std::byte> salt,
                std::string_view info, std::span<std::byte, 32> key) {
    Transient<32> extracted;
    hmacSha256(salt, {keyMaterial}, extracted.writable());  // RFC 5869 2.2
    constexpr std::array kFirstBlock{std::byte{1}};
    hmacSha256(extracted.view(), {gateway::octetsOf(info), kFirstBlock}, key);  // RFC 5869 2.3
}

void x25519Base(std::span<const std::byte, 32> scalar, std::span<std::byte, 32> point) {
    requireSodium();
    if (crypto_scalarmult_curve25519_base(asOutput(point), asInput(scalar)) != 0) {
        refused("X25519 with the base point");
    }
}

bool x25519(std::span<const std::byte, 32> scalar, std::span<const std::byte, 32> point,
            std::span<std::byte, 32> shared) {
    requireSodium();
    return crypto_scalarmult_curve25519(asOutput(shared), asInput(scalar), asInput(point)) == 0;
}

void scrypt(std::string_view passphrase, std::span<const std::byte> salt, int logN,
            std::span<std::byte, 32> key) {
    // OpenSSL's takes 71 ms at 2^15 where libsodium's takes 93. Its own limit of 32 MiB is below
    // what 2^15 needs, so the exact need (plus the small blocks) is stated.
    constexpr std::uint64_t kBlockSize = 8;
    const std::uint64_t cost = std::uint64_t{1} << logN;
    const std::uint64_t memory = 128 * kBlockSize * (cost + 4) + 4096;
    if (EVP_PBE_scrypt(passphrase.data(), passphrase.size(), asInput(salt), salt.size(), cost,
                       kBlockSize, 1, memory, asOutput(key), key.size()) != 1) {
        refused("scrypt, which needs " + std::to_string(memory >> 20) + " MiB of memory,");
    }
}

void Aead::Release::operator()(evp_cipher_ctx_st* context) const { EVP_CIPHER_CTX_free(context); }

Aead::Aead(std::span<const std::byte, 32> key) : m_context(EVP_CIPHER_CTX_new()) {
    if (!m_context || EVP_EncryptInit_ex(m_context.get(), chacha20Poly1305(), nullptr, asInput(key),
                                         nullptr) != 1) {
        refused("ChaCha20-Poly1305 of OpenSSL");
    }
}

void Aead::seal(std::span<const std::byte, kAeadNonceSize> nonce,
                std::span<const std::byte> plaintext, std::span<std::byte> sealed) {
    EVP_CIPHER_CTX* const context = m_context.get();
    if (plaintext.size() > std::numeric_limits<int>::max() ||
        sealed.size() != plaintext.size() + kAeadTagSize) {
        refused("ChaCha20-Poly1305 of a wrong size");
    }
    const std::span<std::byte> tag = sealed.last(kAeadTagSize);
    int written = 0;
    int rest = 0;
    std::array<unsigned char, kAeadTagSize> none{};  // a stream cipher leaves nothing for the end
    if (EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, asInput(nonce)) != 1 ||
        EVP_EncryptUpdate(context, asOutput(sealed), &written, asInput(plaintext),
                          static_cast<int>(plaintext.size())) != 1 ||
        EVP_EncryptFinal_ex(context, none.data(), &rest) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kAeadTagSize, tag.data()) != 1) {
        refused("sealing with ChaCha20-Poly1305");
    }
}

bool Aead::open(std::span<const std::byte, kAeadNonceSize> nonce, std::span<const std::byte> sealed,
                std::span<std::byte> plaintext) {
    EVP_CIPHER_CTX* const context = m_context.get();
    if (plaintext.size() > std::numeric_limits<int>::max() ||
        sealed.size() != plaintext.size() + kAeadTagSize) {
        refused("ChaCha20-Poly1305 of a wrong size");
    }
    std::array<std::byte, kAeadTagSize> tag{};
    std::copy_n(sealed.last(kAeadTagSize).begin(), kAeadTagSize, tag.begin());
    int written = 0;
    int rest = 0;
    std::array<unsigned char, kAeadTagSize> none{};
    if (EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, asInput(nonce)) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kAeadTagSize, tag.data()) != 1 ||
        EVP_DecryptUpdate(context, asOutput(plaintext), &written, asInput(sealed),
                          static_cast<int>(plaintext.size())) != 1) {
        wipe(plaintext);
        refused("opening with ChaCha20-Poly1305");
    }
    if (EVP_DecryptFinal_ex(context, none.data(), &rest) != 1) {
        wipe(plaintext);
        return false;
    }
    return true;
}

}  // namespace crypto
