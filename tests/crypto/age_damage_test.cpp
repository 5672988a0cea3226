// Every way a sealed message can be wrong: cut, changed, rearranged, for somebody else, of another
// shape. Each must be refused, and what was given out before must be a true beginning.
#include <array>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include "crypto/age_header.h"
#include "crypto/age_payload.h"
#include "crypto/age_stream.h"
#include "crypto/base64.h"
#include "crypto/sealed_text.h"
#include "tests/crypto/sample.h"

using crypto::kChunkSize;
using crypto::kHeaderSize;
using crypto::kNonceSize;
using crypto::kSealedChunkSize;
using crypto::Place;

namespace {

constexpr std::size_t kPayloadStart = kHeaderSize + kNonceSize;

/// Chunks as the attacker likes them, under the right key.
class Forge {
public:
    Forge() : m_cipher(m_fileKey, m_nonce) {}

    std::string start() const {
        const crypto::SealKey recipient = sample::identity().sealKey();
        return crypto::writeAgeHeader(crypto::wrapFileKey(m_fileKey, recipient), m_fileKey) +
               std::string(gateway::textOf(m_nonce));
    }

    struct Chunk {
        std::string_view plaintext;
        crypto::Place place;
    };

    /// Header, nonce, and the chunks in this order.
    std::string file(std::initializer_list<Chunk> chunks) {
        std::string result = start();
        for (const Chunk& chunk : chunks) {
            std::string sealed(chunk.plaintext.size() + crypto::kTagSize, '\0');
            m_cipher.seal(gateway::octetsOf(chunk.plaintext), chunk.place,
                          std::as_writable_bytes(std::span<char>(sealed)));
            result += sealed;
        }
        return result;
    }

private:
    crypto::FileKey m_fileKey;
    crypto::PayloadNonce m_nonce{};
    crypto::ChunkCipher m_cipher;
};

/// A message of three chunks, the last one short, and its parts.
struct ThreeChunks {
    ThreeChunks() {
        for (std::size_t i = kPayloadStart; i < sealed.size(); i += kSealedChunkSize) {
            chunks.push_back(sealed.substr(i, kSealedChunkSize));
        }
    }

    std::string text = sample::text(2 * kChunkSize + 1000);
    std::string sealed = sample::sealed(text, sample::identity().sealKey());
    std::string start = sealed.substr(0, kPayloadStart);
    std::vector<std::string> chunks;
};

/// Checks that `sealed` is refused with `reason` after exactly the first `proven` octets of `text`,
/// however it is fed.
void checkRefused(std::string_view sealed, std::string_view reason, std::string_view text,
                  std::size_t proven) {
    for (const std::size_t piece : {SIZE_MAX, std::size_t{7000}, kSealedChunkSize}) {
        const sample::Opened opened = sample::open(sealed, sample::identity(), piece);
        CAPTURE(opened.failure);
        CHECK(opened.failure.find(reason) != std::string::npos);
        CHECK(opened.plaintext.size() == proven);
        CHECK(opened.plaintext == text.substr(0, proven));
    }
}

}  // namespace

TEST_CASE("a short message cut anywhere gives nothing") {
    const std::string sealed = sample::sealed("a short message", sample::identity().sealKey());
    for (std::size_t size = 0; size < sealed.size(); ++size) {
        CAPTURE(size);
        const sample::Opened opened = sample::open(sealed.substr(0, size), sample::identity());
        CHECK_FALSE(opened.failure.empty());
        CHECK(opened.plaintext.empty());
    }
}

TEST_CASE("a long message cut around any chunk's end gives whole chunks and an error") {
    const ThreeChunks message;
    for (std::size_t chunk = 0; chunk <= 2; ++chunk) {
        const std::size_t end = kPayloadStart + chunk * kSealedChunkSize;
        for (std::size_t cut = end - 20; cut <= end + 20; ++cut) {
            CAPTURE(cut);
            const sample::Opened opened =
                sample::open(message.sealed.substr(0, cut), sample::identity());
            CHECK_FALSE(opened.failure.empty());
            const std::size_t whole =
                cut < kPayloadStart ? 0 : (cut - kPayloadStart) / kSealedChunkSize;
            CHECK(opened.plaintext == message.text.substr(0, whole * kChunkSize));
        }
    }
    checkRefused(message.sealed.substr(0, kPayloadStart), "the file ends within a chunk",
                 message.text, 0);
    checkRefused(message.sealed.substr(0, kPayloadStart + kSealedChunkSize),
                 "cut off after chunk 0", message.text, kChunkSize);
    checkRefused(message.sealed.substr(0, kPayloadStart + 2 * kSealedChunkSize),
                 "cut off after chunk 1", message.text, 2 * kChunkSize);
    checkRefused(message.sealed.substr(0, kPayloadStart + kSealedChunkSize + 5),
                 "ends within a chunk", message.text, kChunkSize);
    checkRefused(message.sealed.substr(0, message.sealed.size() - 1), "chunk 2 was changed",
                 message.text, 2 * kChunkSize);
}

TEST_CASE("one flipped bit anywhere in a short message gives nothing") {
    const std::string text = "a short message";
    const std::string sealed = sample::sealed(text, sample::identity().sealKey());
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            std::string changed = sealed;
            changed[i] = static_cast<char>(changed[i] ^ 1 << bit);
            const sample::Opened opened = sample::open(changed, sample::identity());
            // The top bit of an X25519 share is no part of the point (RFC 7748 5), but of the salt.
            CAPTURE(i);
            CAPTURE(bit);
            CHECK_FALSE(opened.failure.empty());
            CHECK(opened.plaintext.empty());
        }
    }
}

TEST_CASE("what was changed is said: header, MAC, nonce, payload, tag") {
    const std::string sealed = sample::sealed("a short message", sample::identity().sealKey());
    const auto flipped = [&](std::size_t place) {
        std::string changed = sealed;
        changed[place] = changed[place] == 'A' ? 'B' : 'A';
        return changed;
    };
    checkRefused(flipped(0), "age header: the first line", "", 0);
    checkRefused(flipped(40), "age header: not sealed to", "", 0);     // share
    checkRefused(flipped(80), "age header: not sealed to", "", 0);     // wrapped file key
    checkRefused(flipped(kHeaderSize - 40), "age header MAC", "", 0);  // MAC
    checkRefused(flipped(kHeaderSize), "age payload: chunk 0 was changed", "", 0);  // nonce
    checkRefused(flipped(kPayloadStart), "age payload: chunk 0 was changed", "", 0);
    checkRefused(flipped(sealed.size() - 1), "age payload: chunk 0 was changed", "", 0);
}

TEST_CASE("a bit flipped in a later chunk gives the chunks before it only") {
    const ThreeChunks message;
    for (std::size_t chunk = 0; chunk < 3; ++chunk) {
        const std::size_t start = kPayloadStart + chunk * kSealedChunkSize;
        const std::size_t size = message.chunks[chunk].size();
        for (const std::size_t place : {std::size_t{0}, size / 2, size - 17, size - 16, size - 1}) {
            std::string changed = message.sealed;
            changed[start + place] = static_cast<char>(changed[start + place] ^ 1);
            checkRefused(changed, "chunk " + std::to_string(chunk) + " was changed", message.text,
                         chunk * kChunkSize);
        }
    }
}

TEST_CASE("chunks swapped, repeated, left out, or taken from another message") {
    const ThreeChunks message;
    const auto& [first, second, last] =
        std::tie(message.chunks[0], message.chunks[1], message.chunks[2]);
    const ThreeChunks other;
    checkRefused(message.start + second + first + last, "chunk 0 was changed", message.text, 0);
    checkRefused(message.start + first + first + second + last, "chunk 1 was changed", message.text,
                 kChunkSize);
    checkRefused(message.start + second + last, "chunk 0 was changed", message.text, 0);
    checkRefused(message.start + first + last, "chunk 1 was changed", message.text, kChunkSize);
    checkRefused(message.start + last, "chunk 0 was changed", message.text, 0);
    checkRefused(message.start + first + other.chunks[1] + last, "chunk 1 was changed",
                 message.text, kChunkSize);
    checkRefused(other.start + first + second + last, "chunk 0 was changed", message.text, 0);
}

TEST_CASE("anything after the last chunk") {
    const crypto::SealKey recipient = sample::identity().sealKey();
    const ThreeChunks message;
    checkRefused(message.sealed + "x", "chunk 2 was changed", message.text, 2 * kChunkSize);
    checkRefused(message.sealed + message.chunks[2], "chunk 2 was changed", message.text,
                 2 * kChunkSize);
    const std::string full = sample::text(kChunkSize);
    const std::string sealed = sample::sealed(full, recipient);
    for (const std::string& rest : {std::string("x"), std::string(16, '\0'), std::string(17, 'x'),
                                    message.sealed, std::string(3 * kSealedChunkSize, 'x')}) {
        checkRefused(sealed + rest, "octets follow the last chunk", full, kChunkSize);
    }
}

TEST_CASE("an empty last chunk is allowed for an empty message only") {
    const std::string full = sample::text(kChunkSize);
    checkRefused(Forge().file({{full, Place::Inner}, {"", Place::Last}}), "an empty last chunk",
                 full, kChunkSize);
    const sample::Opened opened =
        sample::open(Forge().file({{"", Place::Last}}), sample::identity());
    CHECK(opened.failure.empty());
    CHECK(opened.plaintext.empty());
}

TEST_CASE("an inner chunk that is short, and a last one that does not say so") {
    const std::string text = sample::text(2000);
    const std::string full = sample::text(kChunkSize);
    checkRefused(Forge().file({{text, Place::Inner}, {text, Place::Last}}), "chunk 0 was changed",
                 text, 0);
    checkRefused(Forge().file({{text, Place::Inner}}), "chunk 0 was changed", text, 0);
    checkRefused(Forge().file({{full, Place::Last}, {text, Place::Last}}),
                 "octets follow the last chunk", full, kChunkSize);
}

TEST_CASE("another identity opens nothing, and the error names the recipient that was tried") {
    const std::string sealed = sample::sealed("x", crypto::OpenKey::generate().sealKey());
    checkRefused(sealed, "not sealed to " + std::string(sample::kRecipient), "", 0);
}

TEST_CASE("after a failure nothing more is given out") {
    const ThreeChunks message;
    std::string changed = message.sealed;
    changed[kPayloadStart] = static_cast<char>(changed[kPayloadStart] ^ 1);
    crypto::Opener opener(sample::identity());
    std::string plaintext;
    CHECK(sample::failureOf([&] { opener.open(gateway::octetsOf(changed), plaintext); }) ==
          gateway::Error::Kind::Corrupt);
    CHECK(sample::failureOf([&] {
              opener.open(gateway::octetsOf(message.chunks[0]), plaintext);
          }) == gateway::Error::Kind::Internal);
    CHECK(sample::failureOf([&] { opener.finish(plaintext); }) == gateway::Error::Kind::Internal);
    CHECK(plaintext.empty());
}

TEST_CASE("a message has one X25519 stanza; files of other shapes open as texts only") {
    const crypto::OpenKey key = sample::identity();
    crypto::FileKey fileKey;
    const crypto::X25519Stanza stanza = crypto::wrapFileKey(fileKey, key.sealKey());
    const std::string message = crypto::writeAgeHeader(stanza, fileKey);
    const std::string arguments = message.substr(22, 98);
    // Whoever makes the file key makes a right MAC for any header; this one is made by hand.
    const auto withStanzas = [&](const std::string& stanzas) {
        const std::string header = message.substr(0, 22) + stanzas + "---";
        std::array<std::byte, 32> mac{};
        crypto::Transient<32> macKey;
        crypto::hkdfSha256(fileKey.view(), {}, "header", macKey.writable());
        crypto::hmacSha256(macKey.view(), {gateway::octetsOf(header)}, mac);
        // The forge's file key is all zero too.
        return header + ' ' + crypto::encodeBase64(mac, crypto::Base64::Unpadded) + '\n' +
               Forge().file({{"text", Place::Last}}).substr(kHeaderSize);
    };
    CHECK(sample::open(withStanzas(arguments), key).plaintext == "text");
    for (const std::string& stanzas : {arguments + arguments, arguments + "-> grease\n\n",
                                       "-> grease\n\n" + arguments, "-> g\nAAAA\n" + arguments}) {
        const std::string file = withStanzas(stanzas);
        checkRefused(file, "age header: not that of a message", "", 0);
        CHECK(crypto::openWithIdentity(file, key)->text() == "text");
    }
    std::string foreign = withStanzas(arguments);  // of the right size, without a stanza of ours
    foreign[foreign.find("X25519")] = 'x';
    checkRefused(foreign, "age header: not that of a message", "", 0);
    const crypto::Password password("secret");
    checkRefused(crypto::sealToPassphrase("text", password, 10) + std::string(100, 'x'),
                 "age header: ", "", 0);
}

TEST_CASE("points of low order: refused where one is to seal to, and in a stanza") {
    constexpr std::array kLowOrder{
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    for (const char* hex : kLowOrder) {
        CAPTURE(hex);
        const std::string point = sample::unhex(hex);
        const auto key = crypto::SealKey::fromOctets(gateway::octetsOf(point).first<32>());
        CHECK(sample::failureOf([&] { crypto::Sealer sealer(key); }) ==
              gateway::Error::Kind::Corrupt);
        crypto::FileKey fileKey;
        crypto::X25519Stanza stanza = crypto::wrapFileKey(fileKey, sample::identity().sealKey());
        std::ranges::copy(gateway::octetsOf(point), stanza.share.begin());
        checkRefused(crypto::writeAgeHeader(stanza, fileKey) + std::string(100, '\0'), "low order",
                     "", 0);
    }
}
