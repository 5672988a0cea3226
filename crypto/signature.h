// Ed25519 signatures (RFC 8032) on the statements of nodes.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crypto/secret.h"

namespace crypto {

/// The public half; base64 (RFC 4648 section 4, padded) as text.
class VerifyKey {
public:
    static std::optional<VerifyKey> parse(std::string_view base64);
    const std::string& str() const { return m_text; }
    /// Whether `signature` (base64) is one of this key over `message`.
    bool verifies(std::string_view message, std::string_view signature) const;
    bool operator==(const VerifyKey&) const = default;
    auto operator<=>(const VerifyKey&) const = default;

private:
    friend class SigningKey;
    std::string m_text;
    std::array<std::byte, 32> m_octets{};
};

/// The secret half. Move-only.
class SigningKey {
public:
    static SigningKey generate();
    /// From the base64 of seed(); nothing where it is none.
    static std::optional<SigningKey> parse(std::string_view base64Seed);
    SecretBuffer seed() const;  ///< base64, for the node's own 0600 file
    const VerifyKey& verifyKey() const { return m_verifyKey; }
    /// base64 of the 64 octets.
    std::string sign(std::string_view message) const;

private:
    SigningKey();
    static SigningKey fromSeed(std::span<const std::byte, 32> seed);
    Secret<64> m_octets;
    VerifyKey m_verifyKey;
};

}  // namespace crypto
