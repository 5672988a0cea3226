#include "crypto/age_stanza.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "crypto/primitives.h"
#include "gateway/base/error.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

constexpr std::string_view kX25519Info = "age-encryption.org/v1/X25519";
constexpr std::string_view kScryptSalt = "age-encryption.org/v1/scrypt";

/// All zero, and safe so: every wrap key seals exactly one file key. It comes from an ephemeral
/// secret or from a salt that is drawn anew for each stanza.
constexpr std::array<std::byte, kAeadNonceSize> kWrapNonce{};

WrappedFileKey sealFileKey(const FileKey& fileKey, const Transient<32>& wrapKey) {
    WrappedFileKey body{};
    Aead(wrapKey.view()).seal(kWrapNonce, fileKey.view(), body);
    return body;
}

/// ChaCha20-Poly1305 does not commit to its key: a sealed text can be made that opens under several
/// keys, and the longer it is, the more passwords one try could test. The types fix the body at the
/// size of one file key, which age requires for that reason; which file key it was is then settled
/// by the header's MAC.
bool openFileKey(const WrappedFileKey& body, const Transient<32>& wrapKey, FileKey& fileKey) {
    return Aead(wrapKey.view()).open(kWrapNonce, body, fileKey.writable());
}

/// The salt names both public halves, so a wrap key belongs to this share and this recipient only.
void deriveWrapKey(const Transient<32>& shared, std::span<const std::byte, 32> share,
                   std::span<const std::byte, 32> recipient, Transient<32>& wrapKey) {
    std::array<std::byte, 64> salt{};
    std::ranges::copy(share, salt.begin());
    std::ranges::copy(recipient, salt.begin() + 32);
    hkdfSha256(shared.view(), salt, kX25519Info, wrapKey.writable());
}

/// HMAC pads its key with zeros, so scrypt gives "secret" and "secret\0" the same key: every
/// password would have others beside it. Those that end by NUL are none, then.
bool hasTwin(const Password& passphrase) { return passphrase.view().ends_with('\0'); }

void deriveWrapKey(const ScryptStanza& stanza, const Password& passphrase, Transient<32>& wrapKey) {
    std::array<std::byte, kScryptSalt.size() + std::tuple_size_v<decltype(stanza.salt)>> salt{};
    const auto rest = std::ranges::copy(gateway::octetsOf(kScryptSalt), salt.begin()).out;
    std::ranges::copy(stanza.salt, rest);
    scrypt(passphrase.view(), salt, stanza.logN, wrapKey.writable());
}

}  // namespace

X25519Stanza wrapFileKey(const FileKey& fileKey, const SealKey& recipient) {
    Transient<32> ephemeral;
    gateway::fillRandom(ephemeral.writable());
    X25519Stanza stanza;
    x25519Base(ephemeral.view(), stanza.share);
    Transient<32> shared;
    if (!x25519(ephemeral.view(), recipient.octets(), shared.writable())) {
        throw gateway::Error(gateway::Error::Kind::Corrupt,
                             "the recipient " + recipient.str() + " is no usable key (low order)");
    }
    Transient<32> wrapKey;
    deriveWrapKey(shared, stanza.share, recipient.octets(), wrapKey);
    stanza.body = sealFileKey(fileKey, wrapKey);
    return stanza;
}

ScryptStanza wrapFileKey(const FileKey& fileKey, const Password& passphrase, int logN) {
    if (hasTwin(passphrase)) {
        throw gateway::Error(gateway::Error::Kind::Config,
                             "a password that ends by a NUL octet cannot be used; choose another");
    }
    ScryptStanza stanza;
    gateway::fillRandom(stanza.salt);
    stanza.logN = logN;
    Transient<32> wrapKey;
    deriveWrapKey(stanza, passphrase, wrapKey);
    stanza.body = sealFileKey(fileKey, wrapKey);
    return stanza;
}

bool unwrapFileKey(const X25519Stanza& stanza, std::span<const std::byte, 32> identity,
                   const SealKey& recipient, FileKey& fileKey) {
    Transient<32> shared;
    if (!x25519(identity, stanza.share, shared.writable())) {
        throw gateway::Error(gateway::Error::Kind::Corrupt,
                             "age header: the share of an X25519 stanza is of low order");
    }
    Transient<32> wrapKey;
    deriveWrapKey(shared, stanza.share, recipient.octets(), wrapKey);
    return openFileKey(stanza.body, wrapKey, fileKey);
}

bool unwrapFileKey(const ScryptStanza& stanza, const Password& passphrase, FileKey& fileKey) {
    Transient<32> wrapKey;
    deriveWrapKey(stanza, passphrase, wrapKey);
    // In this order: a wrong password costs the same, whatever is wrong with it.
    return openFileKey(stanza.body, wrapKey, fileKey) && !hasTwin(passphrase);
}

}  // namespace crypto
