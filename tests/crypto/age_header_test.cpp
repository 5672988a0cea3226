// The header parser on its own: what it reads, what it bounds. The many malformed headers are in
// the public vectors (age_vectors.py).
#include "crypto/age_header.h"

#include <array>

#include <doctest/doctest.h>

#include "crypto/sealed_text.h"
#include "tests/crypto/sample.h"

namespace {

constexpr std::string_view kVersion = "age-encryption.org/v1\n";
constexpr std::string_view kMac = "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";
constexpr std::string_view kBody = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

std::string refusalOf(const std::string& file) {
    std::string what;
    const auto kind = sample::failureOf([&] { crypto::parseAgeHeader(file); }, &what);
    return kind == gateway::Error::Kind::Corrupt ? what : "";
}

std::string withStanzas(const std::string& stanzas) {
    return std::string(kVersion) + stanzas + std::string(kMac);
}

std::string scryptOf(const std::string& cost) {
    return withStanzas("-> scrypt AAAAAAAAAAAAAAAAAAAAAA " + cost + '\n' + std::string(kBody));
}

}  // namespace

TEST_CASE("what is written is read back, and nothing behind the header is looked at") {
    crypto::FileKey fileKey;
    crypto::X25519Stanza stanza = crypto::wrapFileKey(fileKey, sample::identity().sealKey());
    const std::string text = crypto::writeAgeHeader(stanza, fileKey);
    const std::string file = text + "\xff\n-> X25519\n---\n";
    const crypto::AgeHeader header = crypto::parseAgeHeader(file);
    CHECK(header.size == text.size());
    REQUIRE(header.x25519.size() == 1);
    CHECK(header.x25519[0].share == stanza.share);
    CHECK(header.x25519[0].body == stanza.body);
    CHECK_FALSE(header.scrypt);
    CHECK(header.others == 0);
    CHECK(header.authenticated == text.substr(0, text.size() - 45));
    CHECK_FALSE(sample::failureOf([&] { crypto::checkMac(header, fileKey); }));
}

TEST_CASE("costs of scrypt stanzas are bounded before any work is done") {
    for (int cost = 10; cost <= 18; ++cost) {
        const std::string text = scryptOf(std::to_string(cost));
        CHECK(crypto::parseAgeHeader(text).scrypt->logN == cost);
    }
    for (const char* cost : {"1", "9", "19", "63", "64", "4294967306", "18446744073709551626"}) {
        CAPTURE(cost);
        CHECK_FALSE(refusalOf(scryptOf(cost)).empty());
    }
    for (const char* cost : {"015", "+15", "-15", "0x0f", "15.", "1e1", "\xd9\xa1\xd9\xa5", ""}) {
        CAPTURE(cost);
        CHECK_FALSE(refusalOf(scryptOf(cost)).empty());
    }
}

TEST_CASE("a scrypt stanza stands alone, whatever the others are and wherever they stand") {
    const std::string scrypt = "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 15\n" + std::string(kBody);
    const std::string x25519 =
        "-> X25519 " + std::string(kBody) + std::string(kBody);  // share and body look alike
    CHECK(refusalOf(withStanzas(scrypt)).empty());
    CHECK(refusalOf(withStanzas(x25519)).empty());
    for (const std::string& other : {scrypt, x25519, std::string("-> grease\n\n")}) {
        CHECK(refusalOf(withStanzas(scrypt + other)).find("only one") != std::string::npos);
        CHECK(refusalOf(withStanzas(other + scrypt)).find("only one") != std::string::npos);
    }
    CHECK(refusalOf(withStanzas("")) == "age header: no stanza");
}

TEST_CASE("a header beyond 64 KiB is refused unread") {
    const std::string stanza = "-> grease\n\n";
    std::string stanzas;
    while (kVersion.size() + stanzas.size() + stanza.size() + kMac.size() <=
           crypto::kGreatestHeaderSize) {
        stanzas += stanza;
    }
    CHECK(refusalOf(withStanzas(stanzas)).empty());
    CHECK(crypto::parseAgeHeader(withStanzas(stanzas)).others == stanzas.size() / stanza.size());
    CHECK(refusalOf(withStanzas(stanzas + stanza)) == "age header: longer than 64 KiB");
    CHECK(refusalOf(std::string(kVersion) + std::string(10'000'000, 'x')) ==
          "age header: longer than 64 KiB");
    CHECK(refusalOf(std::string(10'000'000, '\n')) ==
          "age header: the first line is not \"age-encryption.org/v1\"");
}

TEST_CASE("every header that ends early is refused") {
    const std::string text = withStanzas("-> X25519 " + std::string(kBody) + std::string(kBody));
    CHECK(refusalOf(text).empty());
    for (std::size_t size = 0; size < text.size(); ++size) {
        CAPTURE(size);
        CHECK(refusalOf(text.substr(0, size)) == "age header: the file ends within it");
    }
}
