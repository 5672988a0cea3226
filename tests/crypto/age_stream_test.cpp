// Sealing and opening messages: sizes, every split of the input, the shape of the file.
// What is wrong with a file is in age_damage_test.cpp.
#include "crypto/age_stream.h"

#include <algorithm>
#include <array>
#include <limits>

#include <doctest/doctest.h>

#include "tests/crypto/sample.h"

using crypto::kChunkSize;
using crypto::plaintextSize;
using crypto::sealedSize;

namespace {

constexpr std::array<std::size_t, 9> kSizes{0,
                                            1,
                                            100,
                                            kChunkSize - 1,
                                            kChunkSize,
                                            kChunkSize + 1,
                                            2 * kChunkSize,
                                            2 * kChunkSize + 1,
                                            5 * kChunkSize + 77};

}  // namespace

TEST_CASE("a sealed message has the stated size, opens to what it was, and says nothing of it") {
    const crypto::OpenKey key = sample::identity();
    for (const std::size_t size : kSizes) {
        CAPTURE(size);
        const std::string text = sample::text(size);
        const std::string sealed = sample::sealed(text, key.sealKey());
        CHECK(sealed.size() == sealedSize(size));
        CHECK(plaintextSize(sealed.size()) == size);
        const sample::Opened opened = sample::open(sealed, key);
        CHECK(opened.failure.empty());
        CHECK(opened.plaintext == text);
        if (size >= 100) {
            CHECK(sealed.find(text.substr(0, 16)) == std::string::npos);
            CHECK(sealed.find(text.substr(size - 16)) == std::string::npos);
        }
    }
}

TEST_CASE("the header has exactly one X25519 stanza and 168 octets") {
    const std::string sealed = sample::sealed("x", sample::identity().sealKey());
    const std::string header = sealed.substr(0, crypto::kHeaderSize);
    CHECK(header.starts_with("age-encryption.org/v1\n-> X25519 "));
    CHECK(std::ranges::count(header, '\n') == 4);
    CHECK(header.find("\n--- ") == 168 - 49);
    CHECK(header.back() == '\n');
}

TEST_CASE("nothing is used twice: two seals of one text differ in every part") {
    const crypto::SealKey recipient = sample::identity().sealKey();
    const std::string first = sample::sealed("the same text", recipient);
    const std::string second = sample::sealed("the same text", recipient);
    CHECK(first.substr(32, 43) != second.substr(32, 43));    // share
    CHECK(first.substr(76, 43) != second.substr(76, 43));    // wrapped file key
    CHECK(first.substr(168, 16) != second.substr(168, 16));  // nonce
    CHECK(first.substr(184) != second.substr(184));          // payload
}

TEST_CASE("any split of the plaintext gives a file that opens to the same") {
    const crypto::OpenKey key = sample::identity();
    const std::string text = sample::text(2 * kChunkSize + 5000);
    for (const std::size_t piece : {std::size_t{1000}, std::size_t{4096}, kChunkSize - 1,
                                    kChunkSize, kChunkSize + 1, 2 * kChunkSize, 3 * kChunkSize}) {
        CAPTURE(piece);
        std::string sealed;
        crypto::Sealer sealer(key.sealKey());
        for (std::size_t i = 0; i < text.size(); i += piece) {
            sealer.seal(gateway::octetsOf(std::string_view(text).substr(i, piece)), sealed);
        }
        sealer.finish(sealed);
        CHECK(sealed.size() == sealedSize(text.size()));
        CHECK(sample::open(sealed, key).plaintext == text);
    }
}

TEST_CASE("any split of the sealed file gives the same plaintext") {
    const crypto::OpenKey key = sample::identity();
    const std::string small = sample::text(300);
    const std::string smallSealed = sample::sealed(small, key.sealKey());
    for (std::size_t piece = 1; piece <= smallSealed.size(); ++piece) {
        CAPTURE(piece);
        CHECK(sample::open(smallSealed, key, piece).plaintext == small);
    }
    const std::string large = sample::text(2 * kChunkSize);
    const std::string largeSealed = sample::sealed(large, key.sealKey());
    for (const std::size_t piece :
         {std::size_t{183}, std::size_t{184}, std::size_t{185}, kChunkSize, kChunkSize + 15,
          kChunkSize + 16, kChunkSize + 17, kChunkSize + 200, 2 * kChunkSize + 32}) {
        CAPTURE(piece);
        CHECK(sample::open(largeSealed, key, piece).plaintext == large);
    }
}

TEST_CASE("every cut into two pieces near a boundary gives the same plaintext") {
    const crypto::OpenKey key = sample::identity();
    const std::string text = sample::text(kChunkSize + 40);
    const std::string sealed = sample::sealed(text, key.sealKey());
    const std::size_t chunkEnd = crypto::kHeaderSize + crypto::kNonceSize + kChunkSize + 16;
    for (std::size_t cut = 1; cut < sealed.size(); cut = cut == 200 ? chunkEnd - 40 : cut + 1) {
        CAPTURE(cut);
        std::string plaintext;
        crypto::Opener opener(key);
        opener.open(gateway::octetsOf(std::string_view(sealed).substr(0, cut)), plaintext);
        opener.open(gateway::octetsOf(std::string_view(sealed).substr(cut)), plaintext);
        opener.finish(plaintext);
        CHECK(plaintext == text);
    }
}

TEST_CASE("a chunk is given out only when the next has begun, the last one at the end") {
    const crypto::OpenKey key = sample::identity();
    const std::string text = sample::text(2 * kChunkSize);
    const std::string sealed = sample::sealed(text, key.sealKey());
    const std::size_t firstEnd = 184 + kChunkSize + 16;
    std::string plaintext;
    crypto::Opener opener(key);
    opener.open(gateway::octetsOf(std::string_view(sealed).substr(0, firstEnd)), plaintext);
    CHECK(plaintext.empty());
    opener.open(gateway::octetsOf(std::string_view(sealed).substr(firstEnd, 1)), plaintext);
    CHECK(plaintext == text.substr(0, kChunkSize));
    opener.open(gateway::octetsOf(std::string_view(sealed).substr(firstEnd + 1)), plaintext);
    CHECK(plaintext.size() == kChunkSize);
    opener.finish(plaintext);
    CHECK(plaintext == text);
}

TEST_CASE("sizes of plaintext and sealed file are each other's inverse at every boundary") {
    for (std::uint64_t chunks = 0; chunks < 6; ++chunks) {
        for (std::uint64_t plaintext = chunks * kChunkSize < 40 ? 0 : chunks * kChunkSize - 40;
             plaintext < chunks * kChunkSize + 40; ++plaintext) {
            CAPTURE(plaintext);
            CHECK(plaintextSize(sealedSize(plaintext)) == plaintext);
        }
    }
    CHECK(plaintextSize(sealedSize(std::uint64_t{1} << 40)) == std::uint64_t{1} << 40);
}

TEST_CASE("a size that no sealed file has gives nothing") {
    std::uint64_t plaintext = 0;
    for (std::uint64_t sealed = 0; sealed < sealedSize(3 * kChunkSize); ++sealed) {
        const bool possible = sealed == sealedSize(plaintext);
        if (plaintextSize(sealed) != (possible ? std::optional(plaintext) : std::nullopt)) {
            CAPTURE(sealed);
            CHECK(plaintextSize(sealed) == (possible ? std::optional(plaintext) : std::nullopt));
        }
        plaintext += possible ? 1U : 0U;
    }
    CHECK(plaintext == 3 * kChunkSize);
    CHECK(plaintextSize(std::numeric_limits<std::uint64_t>::max()).has_value());
}

TEST_CASE("nothing may follow the end") {
    std::string sealed;
    crypto::Sealer sealer(sample::identity().sealKey());
    sealer.finish(sealed);
    CHECK(sample::failureOf([&] { sealer.seal({}, sealed); }) == gateway::Error::Kind::Internal);
    CHECK(sample::failureOf([&] { sealer.finish(sealed); }) == gateway::Error::Kind::Internal);
    std::string plaintext;
    crypto::Opener opener(sample::identity());
    opener.open(gateway::octetsOf(sealed), plaintext);
    opener.finish(plaintext);
    CHECK(sample::failureOf([&] { opener.open({}, plaintext); }) == gateway::Error::Kind::Internal);
}
