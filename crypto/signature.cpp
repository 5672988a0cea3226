#include "crypto/signature.h"

#include <algorithm>
#include <utility>

#include <sodium.h>

#include "crypto/base64.h"
#include "crypto/c_octets.h"
#include "crypto/sodium.h"
#include "crypto/transient.h"
#include "gateway/base/error.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

constexpr std::size_t kSeedSize = 32;
constexpr std::size_t kSignatureSize = 64;

}  // namespace

std::optional<VerifyKey> VerifyKey::parse(std::string_view base64) {
    const std::optional<std::string> octets = decodeBase64(base64);
    VerifyKey key;
    if (!octets || octets->size() != key.m_octets.size()) {
        return std::nullopt;
    }
    key.m_text = base64;
    std::ranges::copy(gateway::octetsOf(*octets), key.m_octets.begin());
    return key;
}

bool VerifyKey::verifies(std::string_view message, std::string_view signature) const {
    const std::optional<std::string> octets = decodeBase64(signature);
    if (!octets || octets->size() != kSignatureSize) {
        return false;
    }
    requireSodium();
    return crypto_sign_verify_detached(asInput(gateway::octetsOf(*octets)),
                                       asInput(gateway::octetsOf(message)), message.size(),
                                       asInput(m_octets)) == 0;
}

SigningKey::SigningKey() = default;

SigningKey SigningKey::generate() {
    Secret<kSeedSize> seed;
    gateway::fillRandom(seed.writable());
    return fromSeed(seed.view());
}

std::optional<SigningKey> SigningKey::parse(std::string_view base64Seed) {
    const std::optional<SecretBuffer> seed = decodeSecretBase64(base64Seed);
    if (!seed || seed->size() != kSeedSize) {
        return std::nullopt;
    }
    return fromSeed(seed->view().first<kSeedSize>());
}

SigningKey SigningKey::fromSeed(std::span<const std::byte, 32> seed) {
    requireSodium();
    SigningKey key;
    VerifyKey& verifyKey = key.m_verifyKey;
    if (crypto_sign_seed_keypair(asOutput(verifyKey.m_octets), asOutput(key.m_octets.writable()),
                                 asInput(seed)) != 0) {
        throw gateway::Error(gateway::Error::Kind::Internal, "Ed25519 key generation failed");
    }
    verifyKey.m_text = encodeBase64(verifyKey.m_octets);
    return key;
}

SecretBuffer SigningKey::seed() const {
    // libsodium keeps the seed in the first half of its secret key.
    const std::span<const std::byte> seed = m_octets.view().first<kSeedSize>();
    constexpr int kForm = sodium_base64_VARIANT_ORIGINAL;
    constexpr std::size_t kTextSize = sodium_base64_ENCODED_LEN(kSeedSize, kForm);
    Transient<kTextSize> text;
    sodium_bin2base64(reinterpret_cast<char*>(text.writable().data()), kTextSize, asInput(seed),
                      seed.size(), kForm);
    return SecretBuffer(std::span<const std::byte>(text.view()).first(kTextSize - 1));
}

std::string SigningKey::sign(std::string_view message) const {
    std::array<std::byte, kSignatureSize> signature{};
    if (crypto_sign_detached(asOutput(signature), nullptr, asInput(gateway::octetsOf(message)),
                             message.size(), asInput(m_octets.view())) != 0) {
        throw gateway::Error(gateway::Error::Kind::Internal, "Ed25519 signing failed");
    }
    return encodeBase64(signature);
}

}  // namespace crypto
