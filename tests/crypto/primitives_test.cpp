// The primitives against the vectors of their RFCs, and the fast cipher against libsodium's.
#include "crypto/primitives.h"

#include <array>

#include <doctest/doctest.h>
#include <sodium.h>

#include "crypto/c_octets.h"
#include "tests/crypto/sample.h"

namespace {

using Octets32 = std::array<std::byte, 32>;

Octets32 octets32(std::string_view hex) {
    const std::string octets = sample::unhex(hex);
    Octets32 result{};
    std::ranges::copy(gateway::octetsOf(octets), result.begin());
    return result;
}

std::span<const std::byte> view(const std::string& text) { return gateway::octetsOf(text); }

}  // namespace

TEST_CASE("HMAC-SHA-256: RFC 4231 4.2 and 4.7, in one part or several") {
    Octets32 mac{};
    crypto::hmacSha256(view(sample::unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b")),
                       {view("Hi "), {}, view("There")}, mac);
    CHECK(mac == octets32("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"));
    crypto::hmacSha256(view(std::string(131, '\xaa')),
                       {view("Test Using Larger Than Block-Size Key - Hash Key First")}, mac);
    CHECK(mac == octets32("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"));
}

TEST_CASE("HKDF-SHA-256: RFC 5869 A.1 and A.3, the first 32 octets") {
    const std::string keyMaterial(22, '\x0b');
    Octets32 key{};
    crypto::hkdfSha256(view(keyMaterial), view(sample::unhex("000102030405060708090a0b0c")),
                       sample::unhex("f0f1f2f3f4f5f6f7f8f9"), key);
    CHECK(key == octets32("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"));
    crypto::hkdfSha256(view(keyMaterial), {}, "", key);
    CHECK(key == octets32("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"));
}

TEST_CASE("X25519: RFC 7748 6.1, and no shared secret with a point of low order") {
    const auto secret =
        octets32("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
    const auto bob = octets32("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    Octets32 result{};
    crypto::x25519Base(secret, result);
    CHECK(result == octets32("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
    CHECK(crypto::x25519(secret, bob, result));
    CHECK(result == octets32("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"));
    CHECK_FALSE(crypto::x25519(secret, Octets32{}, result));
}

TEST_CASE("scrypt: RFC 7914 12, r = 8 and p = 1, the first 32 octets") {
    Octets32 key{};
    crypto::scrypt("pleaseletmein", view("SodiumChloride"), 14, key);
    CHECK(key == octets32("7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"));
}

TEST_CASE("scrypt of the greatest cost finds its memory") {
    Octets32 fast{};
    Octets32 slow{};
    crypto::scrypt("x", {}, 18, fast);
    REQUIRE(sodium_init() >= 0);
    REQUIRE(crypto_pwhash_scryptsalsa208sha256_ll(crypto::asInput(gateway::octetsOf("x")), 1,
                                                  crypto::asInput({}), 0, 1U << 18, 8, 1,
                                                  crypto::asOutput(slow), slow.size()) == 0);
    CHECK(fast == slow);
}

TEST_CASE("ChaCha20-Poly1305 gives what libsodium's gives, for every kind of length") {
    const auto key = octets32("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    std::array<std::byte, 12> nonce{std::byte{7}};
    crypto::Aead aead(key);
    for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 63U, 64U, 65U, 1000U, 65535U, 65536U}) {
        CAPTURE(size);
        nonce[11] = static_cast<std::byte>(size & 0xff);
        const std::string text = sample::text(size);
        std::string ours(size + 16, '\0');
        std::string theirs(size + 16, '\0');
        const auto sealed = std::as_writable_bytes(std::span<char>(ours));
        aead.seal(nonce, view(text), sealed);
        crypto_aead_chacha20poly1305_ietf_encrypt(
            crypto::asOutput(std::as_writable_bytes(std::span<char>(theirs))), nullptr,
            crypto::asInput(view(text)), size, nullptr, 0, nullptr, crypto::asInput(nonce),
            crypto::asInput(key));
        CHECK(ours == theirs);
        std::string opened(size, '?');
        const auto plaintext = std::as_writable_bytes(std::span<char>(opened));
        CHECK(aead.open(nonce, sealed, plaintext));
        CHECK(opened == text);
        ours.back() = static_cast<char>(ours.back() ^ 1);
        CHECK_FALSE(aead.open(nonce, sealed, plaintext));
        CHECK(opened == std::string(size, '\0'));
    }
}

TEST_CASE("a buffer of a wrong size is refused before a single octet is written") {
    crypto::Aead aead(Octets32{});
    const std::array<std::byte, 12> nonce{};
    std::array<std::byte, 20> sealed{};
    CHECK(sample::failureOf([&] { aead.seal(nonce, std::span(sealed).first(5), sealed); }) ==
          gateway::Error::Kind::Internal);
    CHECK(sample::failureOf([&] { (void)aead.open(nonce, sealed, sealed); }) ==
          gateway::Error::Kind::Internal);
}
