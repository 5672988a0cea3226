// The two keys of a mailbox, in the words of the age specification (age-encryption.org/v1, C2SP):
// a recipient seals, an identity opens. They are two types, so a signature says who may read mail.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crypto/secret.h"

namespace crypto {

/// An X25519 recipient, `age1…` (Bech32, lower case). All that SMTP ever sees of a mailbox's keys.
class SealKey {
public:
    /// Nothing where `text` is no valid lower-case X25519 recipient.
    static std::optional<SealKey> parse(std::string_view text);
    static SealKey fromOctets(std::span<const std::byte, 32> octets);

    /// "age1…", 62 characters; also the name of the folder its messages lie in.
    const std::string& str() const { return m_text; }
    std::span<const std::byte, 32> octets() const { return m_octets; }
    std::strong_ordering operator<=>(const SealKey& other) const { return m_text <=> other.m_text; }
    bool operator==(const SealKey& other) const { return m_text == other.m_text; }

private:
    SealKey() = default;
    std::string m_text;
    std::array<std::byte, 32> m_octets{};
};

/// An X25519 identity, `AGE-SECRET-KEY-1…`: opens what was sealed to its recipient. Move-only.
class OpenKey {
public:
    static OpenKey generate();
    /// Nothing where `text` is no valid identity.
    static std::optional<OpenKey> parse(std::string_view text);
    OpenKey(const OpenKey&) = delete;
    OpenKey& operator=(const OpenKey&) = delete;
    OpenKey(OpenKey&&) noexcept = default;
    OpenKey& operator=(OpenKey&&) noexcept = default;
    ~OpenKey() = default;

    const SealKey& sealKey() const { return m_sealKey; }
    std::span<const std::byte, 32> octets() const { return m_octets->view(); }
    /// The same octets, for who may need them when this object is gone: a page of locked memory for
    /// each message that is opened would cost as much as opening it.
    std::shared_ptr<const Secret<32>> share() const { return m_octets; }
    /// "AGE-SECRET-KEY-1…", in locked memory.
    SecretBuffer text() const;

private:
    explicit OpenKey(Secret<32> octets);
    std::shared_ptr<const Secret<32>> m_octets;
    SealKey m_sealKey;
};

}  // namespace crypto
