#include "crypto/age_payload.h"

#include <algorithm>

#include "gateway/base/error.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

[[noreturn]] void damaged(const std::string& what) {
    throw gateway::Error(gateway::Error::Kind::Corrupt, "age payload: " + what);
}

[[noreturn]] void damagedChunk(std::uint64_t number) {
    damaged("chunk " + std::to_string(number) + " was changed, moved or belongs to another file");
}

std::span<std::byte> writable(std::string& text) {
    return std::as_writable_bytes(std::span<char>(text));
}

PayloadNonce freshNonce() {
    PayloadNonce nonce{};
    gateway::fillRandom(nonce);
    return nonce;
}

Aead payloadAead(const FileKey& fileKey, const PayloadNonce& nonce) {
    Transient<32> key;
    hkdfSha256(fileKey.view(), nonce, "payload", key.writable());
    return Aead(key.view());
}

}  // namespace

ChunkCipher::ChunkCipher(const FileKey& fileKey, const PayloadNonce& nonce)
    : m_aead(payloadAead(fileKey, nonce)) {}

/// Counted, not drawn: the payload key belongs to this file alone, so no nonce comes twice under
/// it, and a swapped or repeated chunk meets the wrong one. Eleven octets of counter, big-endian
/// (eight are enough for any file), then the mark of the last chunk.
std::array<std::byte, kAeadNonceSize> ChunkCipher::nonceOf(Place place) const {
    std::array<std::byte, kAeadNonceSize> nonce{};
    for (std::size_t i = 0; i < 8; ++i) {
        nonce[10 - i] = static_cast<std::byte>(m_counter >> (8 * i) & 0xff);
    }
    nonce[11] = place == Place::Last ? std::byte{1} : std::byte{0};
    return nonce;
}

void ChunkCipher::seal(std::span<const std::byte> plaintext, Place place,
                       std::span<std::byte> sealed) {
    m_aead.seal(nonceOf(place), plaintext, sealed);
    ++m_counter;
}

bool ChunkCipher::open(std::span<const std::byte> sealed, Place place,
                       std::span<std::byte> plaintext) {
    if (!m_aead.open(nonceOf(place), sealed, plaintext)) {
        return false;
    }
    ++m_counter;
    return true;
}

PayloadSealer::PayloadSealer(const FileKey& fileKey)
    : m_nonce(freshNonce()), m_cipher(fileKey, m_nonce) {}

PayloadSealer::~PayloadSealer() { wipe(std::span<char>(m_held)); }

void PayloadSealer::seal(std::span<const std::byte> plaintext, std::string& sealed) {
    while (m_held.size() + plaintext.size() > kChunkSize) {
        if (m_held.empty()) {
            sealChunk(plaintext.first(kChunkSize), Place::Inner, sealed);
            plaintext = plaintext.subspan(kChunkSize);
            continue;
        }
        const std::size_t missing = kChunkSize - m_held.size();
        m_held += gateway::textOf(plaintext.first(missing));
        plaintext = plaintext.subspan(missing);
        sealHeld(Place::Inner, sealed);
    }
    // A secret comes in one piece, so that no growing string leaves copies of it behind.
    m_held += gateway::textOf(plaintext);
}

void PayloadSealer::finish(std::string& sealed) { sealHeld(Place::Last, sealed); }

void PayloadSealer::sealHeld(Place place, std::string& sealed) {
    sealChunk(writable(m_held), place, sealed);
    wipe(std::span<char>(m_held));
    m_held.clear();
    m_held.shrink_to_fit();  // a message for a hundred mailboxes has a hundred sealers
}

void PayloadSealer::sealChunk(std::span<const std::byte> plaintext, Place place,
                              std::string& sealed) {
    const std::size_t before = sealed.size();
    sealed.resize(before + plaintext.size() + kTagSize);
    m_cipher.seal(plaintext, place, writable(sealed).subspan(before));
}

void PayloadOpener::open(std::span<const std::byte> sealed, std::string& plaintext) {
    // A chunk that is whole waits for one octet more, which proves that it is not the last.
    while (m_held.size() + sealed.size() > kSealedChunkSize) {
        if (m_held.empty()) {
            openInner(sealed.first(kSealedChunkSize), plaintext);
            sealed = sealed.subspan(kSealedChunkSize);
            continue;
        }
        const std::size_t missing = kSealedChunkSize - m_held.size();
        m_held += gateway::textOf(sealed.first(missing));
        sealed = sealed.subspan(missing);
        openInner(writable(m_held), plaintext);
        m_held.clear();
    }
    m_held += gateway::textOf(sealed);
}

void PayloadOpener::openInner(std::span<const std::byte> sealed, std::string& plaintext) {
    if (openChunk(sealed, Place::Inner, plaintext)) {
        return;
    }
    if (openChunk(sealed, Place::Last, plaintext)) {
        damaged("octets follow the last chunk");
    }
    damagedChunk(m_cipher.done());
}

void PayloadOpener::finish(std::string& plaintext) {
    const std::span<const std::byte> sealed = writable(m_held);
    if (sealed.size() < kTagSize) {
        damaged("the file ends within a chunk");
    }
    if (openChunk(sealed, Place::Last, plaintext)) {
        if (sealed.size() == kTagSize && m_cipher.done() > 1) {
            damaged("an empty last chunk");  // age: only an empty payload has one
        }
        return;
    }
    if (sealed.size() == kSealedChunkSize && openChunk(sealed, Place::Inner, plaintext)) {
        damaged("the file was cut off after chunk " + std::to_string(m_cipher.done() - 1));
    }
    damagedChunk(m_cipher.done());
}

bool PayloadOpener::openChunk(std::span<const std::byte> sealed, Place place,
                              std::string& plaintext) {
    const std::size_t before = plaintext.size();
    plaintext.resize(before + sealed.size() - kTagSize);
    if (m_cipher.open(sealed, place, writable(plaintext).subspan(before))) {
        return true;
    }
    plaintext.resize(before);
    return false;
}

SecretBuffer openPayload(const FileKey& fileKey, std::span<const std::byte> payload) {
    const std::optional<std::uint64_t> size = plaintextSize(kHeaderSize + payload.size());
    if (!size) {
        damaged("no payload has " + std::to_string(payload.size()) + " octets; it was cut off");
    }
    PayloadNonce nonce{};
    std::ranges::copy(payload.first(kNonceSize), nonce.begin());
    payload = payload.subspan(kNonceSize);
    ChunkCipher cipher(fileKey, nonce);
    SecretBuffer plaintext(*size);
    std::span<std::byte> rest = plaintext.writable();
    while (payload.size() > kSealedChunkSize) {
        if (!cipher.open(payload.first(kSealedChunkSize), Place::Inner, rest.first(kChunkSize))) {
            damagedChunk(cipher.done());
        }
        payload = payload.subspan(kSealedChunkSize);
        rest = rest.subspan(kChunkSize);
    }
    if (!cipher.open(payload, Place::Last, rest)) {
        damagedChunk(cipher.done());
    }
    return plaintext;
}

}  // namespace crypto
