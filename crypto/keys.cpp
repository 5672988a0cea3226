#include "crypto/keys.h"

#include <algorithm>
#include <utility>

#include "crypto/bech32.h"
#include "crypto/primitives.h"
#include "gateway/base/random.h"

namespace crypto {

namespace {

constexpr std::string_view kRecipientPrefix = "age";
constexpr std::string_view kIdentityPrefix = "AGE-SECRET-KEY-";

SealKey publicHalf(std::span<const std::byte, 32> identity) {
    std::array<std::byte, 32> point{};
    x25519Base(identity, point);
    return SealKey::fromOctets(point);
}

}  // namespace

std::optional<SealKey> SealKey::parse(std::string_view text) {
    SealKey key;
    if (!decodeBech32(kRecipientPrefix, text, key.m_octets)) {
        return std::nullopt;
    }
    key.m_text = text;
    return key;
}

SealKey SealKey::fromOctets(std::span<const std::byte, 32> octets) {
    SealKey key;
    std::copy(octets.begin(), octets.end(), key.m_octets.begin());
    key.m_text.resize(bech32Size(kRecipientPrefix.size(), octets.size()));
    encodeBech32(kRecipientPrefix, octets, key.m_text);
    return key;
}

OpenKey::OpenKey(Secret<32> octets)
    : m_octets(std::make_shared<const Secret<32>>(std::move(octets))),
      m_sealKey(publicHalf(m_octets->view())) {}

OpenKey OpenKey::generate() {
    Secret<32> octets;
    gateway::fillRandom(octets.writable());
    return OpenKey(std::move(octets));
}

std::optional<OpenKey> OpenKey::parse(std::string_view text) {
    Secret<32> octets;
    if (!decodeBech32(kIdentityPrefix, text, octets.writable())) {
        return std::nullopt;
    }
    return OpenKey(std::move(octets));
}

SecretBuffer OpenKey::text() const {
    SecretBuffer text(bech32Size(kIdentityPrefix.size(), m_octets->view().size()));
    const std::span<std::byte> into = text.writable();
    encodeBech32(kIdentityPrefix, m_octets->view(),
                 {reinterpret_cast<char*>(into.data()), into.size()});
    return text;
}

}  // namespace crypto
