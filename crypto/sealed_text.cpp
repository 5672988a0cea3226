#include "crypto/sealed_text.h"

#include <utility>

#include "crypto/age_header.h"
#include "crypto/age_payload.h"
#include "crypto/age_stream.h"
#include "gateway/base/error.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

/// The binary form of a file that may be armored.
std::string binaryOf(std::string_view sealed) {
    if (!gateway::trimmed(sealed).starts_with('-')) {
        return std::string(sealed);
    }
    std::optional<std::string> binary = dearmor(sealed);
    if (!binary) {
        throw gateway::Error(gateway::Error::Kind::Corrupt,
                             "age armor: not an armored age file, or one that was edited");
    }
    return *std::move(binary);
}

SecretBuffer openAfterHeader(std::string_view binary, const AgeHeader& header,
                             const FileKey& fileKey) {
    checkMac(header, fileKey);
    if (binary.size() < header.size + kNonceSize) {
        throw gateway::Error(gateway::Error::Kind::Corrupt,
                             "age header: the file ends before the payload's nonce does");
    }
    return openPayload(fileKey, gateway::octetsOf(binary.substr(header.size)));
}

}  // namespace

std::string sealToPassphrase(std::string_view plaintext, const Password& passphrase, int logN) {
    if (logN < kLeastCost || logN > kGreatestCost) {
        throw gateway::Error(gateway::Error::Kind::Internal,
                             "no scrypt cost of ours: " + std::to_string(logN));
    }
    FileKey fileKey;
    gateway::fillRandom(fileKey.writable());
    std::string sealed = writeAgeHeader(wrapFileKey(fileKey, passphrase, logN), fileKey);
    PayloadSealer payload(fileKey);
    sealed += gateway::textOf(payload.nonce());
    payload.seal(gateway::octetsOf(plaintext), sealed);
    payload.finish(sealed);
    return sealed;
}

std::string sealToRecipient(std::string_view plaintext, const SealKey& recipient) {
    std::string sealed;
    sealed.reserve(sealedSize(plaintext.size()));
    Sealer sealer(recipient);
    sealer.seal(gateway::octetsOf(plaintext), sealed);
    sealer.finish(sealed);
    return sealed;
}

std::optional<SecretBuffer> openWithPassphrase(std::string_view sealed,
                                               const Password& passphrase) {
    const std::string binary = binaryOf(sealed);
    const AgeHeader header = parseAgeHeader(binary);
    if (!header.scrypt) {
        // Not "wrong passphrase": no passphrase would ever open it, and somebody must hear that.
        throw gateway::Error(gateway::Error::Kind::Corrupt,
                             "age header: not sealed to a passphrase");
    }
    FileKey fileKey;
    if (!unwrapFileKey(*header.scrypt, passphrase, fileKey)) {
        return std::nullopt;
    }
    return openAfterHeader(binary, header, fileKey);
}

std::optional<SecretBuffer> openWithIdentity(std::string_view sealed, const OpenKey& identity) {
    const std::string binary = binaryOf(sealed);
    const AgeHeader header = parseAgeHeader(binary);
    FileKey fileKey;
    for (const X25519Stanza& stanza : header.x25519) {
        if (unwrapFileKey(stanza, identity.octets(), identity.sealKey(), fileKey)) {
            return openAfterHeader(binary, header, fileKey);
        }
    }
    return std::nullopt;
}

}  // namespace crypto
