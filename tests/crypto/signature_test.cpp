// Ed25519 against the vectors of RFC 8032 7.1, and everything that must not verify.
#include "crypto/signature.h"

#include <array>

#include <doctest/doctest.h>

#include "crypto/base64.h"
#include "tests/crypto/sample.h"

using crypto::SigningKey;
using crypto::VerifyKey;

namespace {

struct Vector {
    const char* seed;
    const char* key;
    const char* message;
    const char* signature;
};

constexpr std::array kVectors{
    Vector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
           "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
           "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e397"
           "01cf9"
           "b46bd25bf5f0595bbe24655141438e7a100b"},
    Vector{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
           "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
           "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f361"
           "3d0f1"
           "1d8c387b2eaeb4302aeeb00d291612bb0c00"},
    Vector{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
           "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
           "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76"
           "0984d"
           "c6594a7c15e9716ed28dc027beceea1ec40a"},
    Vector{"833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
           "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
           "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c2"
           "3a3fe"
           "ebbd454d4423643ce80e2a9ac94fa54ca49f",
           "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c"
           "66431"
           "e0303dca179c138ac17ad9bef1177331a704"}};

std::string base64(std::string_view octets) {
    return crypto::encodeBase64(gateway::octetsOf(octets));
}

}  // namespace

TEST_CASE("RFC 8032 7.1") {
    for (const Vector& vector : kVectors) {
        CAPTURE(vector.seed);
        const auto key = SigningKey::parse(base64(sample::unhex(vector.seed)));
        REQUIRE(key);
        const std::string message = sample::unhex(vector.message);
        const std::string signature = base64(sample::unhex(vector.signature));
        CHECK(key->verifyKey().str() == base64(sample::unhex(vector.key)));
        CHECK(key->sign(message) == signature);
        CHECK(VerifyKey::parse(key->verifyKey().str())->verifies(message, signature));
        CHECK(key->seed().text() == base64(sample::unhex(vector.seed)));
    }
}

TEST_CASE("any changed bit of message, signature or key is refused") {
    const SigningKey key = SigningKey::generate();
    const std::string message = "a statement";
    const std::string octets = *crypto::decodeBase64(key.sign(message));
    const std::string keyOctets = *crypto::decodeBase64(key.verifyKey().str());
    REQUIRE(key.verifyKey().verifies(message, base64(octets)));
    const auto flipped = [](std::string text, std::size_t bit) {
        text[bit / 8] = static_cast<char>(text[bit / 8] ^ 1 << bit % 8);
        return text;
    };
    for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
        CHECK_FALSE(key.verifyKey().verifies(flipped(message, bit), base64(octets)));
    }
    for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
        CHECK_FALSE(key.verifyKey().verifies(message, base64(flipped(octets, bit))));
    }
    for (std::size_t bit = 0; bit < keyOctets.size() * 8; ++bit) {
        const auto other = VerifyKey::parse(base64(flipped(keyOctets, bit)));
        CHECK_FALSE(other->verifies(message, base64(octets)));
    }
    CHECK_FALSE(SigningKey::generate().verifyKey().verifies(message, base64(octets)));
}

TEST_CASE("a signature or key of another form is refused") {
    const SigningKey key = SigningKey::generate();
    const std::string signature = key.sign("x");
    for (const std::string& wrong :
         {std::string(), signature.substr(0, 84), signature + "A", signature + "\n",
          signature.substr(0, 86), base64(std::string(63, 'x')), base64(std::string(65, 'x'))}) {
        CHECK_FALSE(key.verifyKey().verifies("x", wrong));
    }
    for (const std::size_t size : {std::size_t{0}, std::size_t{31}, std::size_t{33}}) {
        CHECK_FALSE(VerifyKey::parse(base64(std::string(size, 'x'))));
        CHECK_FALSE(SigningKey::parse(base64(std::string(size, 'x'))));
    }
    CHECK_FALSE(VerifyKey::parse(key.verifyKey().str() + " "));
    CHECK_FALSE(SigningKey::parse("no base64"));
}

TEST_CASE("keys whose signatures anybody could make verify nothing") {
    // The all-zero signature satisfies the equation under points of small order.
    for (const char* hex : {"0100000000000000000000000000000000000000000000000000000000000000",
                            "0000000000000000000000000000000000000000000000000000000000000000",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
        const auto key = VerifyKey::parse(base64(sample::unhex(hex)));
        REQUIRE(key);
        const std::string zero = base64(sample::unhex(kVectors[0].key) + std::string(32, '\0'));
        CHECK_FALSE(key->verifies("x", zero));
        CHECK_FALSE(key->verifies("x", base64('\1' + std::string(63, '\0'))));
    }
    CHECK_FALSE(VerifyKey().verifies("x", base64(std::string(64, '\0'))));
}
