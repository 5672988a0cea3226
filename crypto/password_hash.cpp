#include "crypto/password_hash.h"

#include <array>
#include <cerrno>

#include <sodium.h>

#include "crypto/base64.h"
#include "crypto/sodium.h"
#include "gateway/base/error.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

/// RFC 9106 section 4, the second recommended option: three passes over 64 MiB. More would let a
/// few log-ins at once fill a machine of 1 GiB.
constexpr unsigned long long kPasses = 3;
constexpr std::size_t kMemory = std::size_t{64} << 20U;

constexpr std::uint64_t kMostPasses = 16;
constexpr std::uint64_t kMostMemoryKiB = std::uint64_t{1} << 20U;
constexpr std::uint64_t kMostLanes = 16;

using Encoded = std::array<char, crypto_pwhash_STRBYTES>;

/// The number after `name` at the beginning of `text`, which loses both and what ends it.
std::optional<std::uint64_t> takeNumber(std::string_view& text, std::string_view name, char end) {
    const std::size_t stop = text.find(end);
    if (!text.starts_with(name) || stop == std::string_view::npos) {
        return std::nullopt;
    }
    const auto number = gateway::parseDecimal(text.substr(name.size(), stop - name.size()));
    text.remove_prefix(stop + 1);
    return number;
}

bool isAffordable(std::string_view text) {
    constexpr std::string_view kKind = "$argon2id$v=19$";
    if (!text.starts_with(kKind)) {
        return false;
    }
    text.remove_prefix(kKind.size());
    const auto memory = takeNumber(text, "m=", ',');
    const auto passes = takeNumber(text, "t=", ',');
    const auto lanes = takeNumber(text, "p=", '$');
    return memory && passes && lanes && *memory <= kMostMemoryKiB && *passes <= kMostPasses &&
           *lanes <= kMostLanes;
}

/// libsodium wants a pointer also to what has no octets.
const char* pointerTo(std::string_view text) { return text.empty() ? "" : text.data(); }

Encoded terminated(std::string_view text) {
    Encoded encoded{};
    text.copy(encoded.data(), encoded.size() - 1);
    return encoded;
}

}  // namespace

PasswordHash PasswordHash::make(const Password& password) {
    requireSodium();
    Encoded encoded{};
    const std::string_view text = password.view();
    if (crypto_pwhash_str_alg(encoded.data(), pointerTo(text), text.size(), kPasses, kMemory,
                              crypto_pwhash_ALG_ARGON2ID13) != 0) {
        throw gateway::Error(gateway::Error::Kind::Internal, "no memory to hash a password with");
    }
    return PasswordHash(encoded.data());
}

std::optional<PasswordHash> PasswordHash::parse(std::string_view text) {
    requireSodium();
    // libsodium looks at the form where it is asked whether another cost is wanted.
    if (text.size() >= crypto_pwhash_STRBYTES || text.find('\0') != std::string_view::npos ||
        !isAffordable(text) ||
        crypto_pwhash_str_needs_rehash(terminated(text).data(), kPasses, kMemory) < 0) {
        return std::nullopt;
    }
    return PasswordHash(std::string(text));
}

PasswordHash PasswordHash::ofNobody() {
    std::array<std::byte, crypto_pwhash_SALTBYTES> salt{};
    std::array<std::byte, 32> hash{};
    gateway::fillRandom(salt);
    gateway::fillRandom(hash);
    return PasswordHash("$argon2id$v=19$m=" + std::to_string(kMemory / 1024) + ",t=" +
                        std::to_string(kPasses) + ",p=1$" + encodeBase64(salt, Base64::Unpadded) +
                        '$' + encodeBase64(hash, Base64::Unpadded));
}

bool PasswordHash::fits(const Password& password) const {
    requireSodium();
    const std::string_view text = password.view();
    errno = 0;
    if (crypto_pwhash_str_verify(terminated(m_text).data(), pointerTo(text), text.size()) == 0) {
        return true;
    }
    if (errno == ENOMEM) {
        throw gateway::Error(gateway::Error::Kind::Internal, "no memory to check a password with");
    }
    return false;
}

}  // namespace crypto
