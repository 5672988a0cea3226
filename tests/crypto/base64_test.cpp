// Base64 in its three forms: RFC 4648 section 10, and all that strictness refuses.
#include "crypto/base64.h"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "tests/crypto/sample.h"

using crypto::Base64;
using crypto::decodeBase64;

namespace {

struct Pair {
    std::string_view octets;
    std::string_view text;
};

constexpr std::array kPairs{Pair{"", ""},
                            Pair{"f", "Zg=="},
                            Pair{"fo", "Zm8="},
                            Pair{"foo", "Zm9v"},
                            Pair{"foob", "Zm9vYg=="},
                            Pair{"fooba", "Zm9vYmE="},
                            Pair{"foobar", "Zm9vYmFy"}};

}  // namespace

TEST_CASE("RFC 4648 10, padded and not") {
    for (const Pair& pair : kPairs) {
        CAPTURE(pair.text);
        const std::string bare(pair.text.substr(0, pair.text.find('=')));
        CHECK(crypto::encodeBase64(gateway::octetsOf(pair.octets)) == pair.text);
        CHECK(crypto::encodeBase64(gateway::octetsOf(pair.octets), Base64::Unpadded) == bare);
        CHECK(crypto::encodeBase64(gateway::octetsOf(pair.octets), Base64::Url) == bare);
        CHECK(decodeBase64(pair.text) == pair.octets);
        CHECK(decodeBase64(bare, Base64::Unpadded) == pair.octets);
        CHECK(decodeBase64(bare, Base64::Url) == pair.octets);
        const bool padded = bare.size() != pair.text.size();
        CHECK(decodeBase64(bare).has_value() != padded);
        CHECK(decodeBase64(pair.text, Base64::Unpadded).has_value() != padded);
        CHECK(decodeBase64(pair.text, Base64::Url).has_value() != padded);
        CHECK(crypto::decodeSecretBase64(pair.text)->text() == pair.octets);
    }
}

TEST_CASE("every length comes back") {
    for (std::size_t size = 0; size < 300; ++size) {
        std::string octets = sample::text(size);
        std::ranges::transform(octets, octets.begin(), [&](char c) {
            return static_cast<char>(static_cast<unsigned char>(c) * 11UL + octets.size());
        });
        for (const Base64 form : {Base64::Padded, Base64::Unpadded, Base64::Url}) {
            CHECK(decodeBase64(crypto::encodeBase64(gateway::octetsOf(octets), form), form) ==
                  octets);
        }
    }
}

TEST_CASE("the two alphabets differ in two characters and are not mixed") {
    const std::string octets = sample::unhex("fbefbefbf0ffffff");
    CHECK(crypto::encodeBase64(gateway::octetsOf(octets), Base64::Unpadded) == "+++++/D///8");
    CHECK(crypto::encodeBase64(gateway::octetsOf(octets), Base64::Url) == "-----_D___8");
    CHECK_FALSE(decodeBase64("-----_D___8", Base64::Unpadded));
    CHECK_FALSE(decodeBase64("+++++/D///8", Base64::Url));
}

TEST_CASE("each of the 256 octets is a letter or refused, at every place of a group") {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int octet = 0; octet < 256; ++octet) {
        for (std::size_t place = 0; place < 4; ++place) {
            std::string text = "AAAA";
            text[place] = static_cast<char>(octet);
            const bool letter = kAlphabet.find(text[place]) != std::string_view::npos;
            CAPTURE(octet);
            CHECK(decodeBase64(text, Base64::Unpadded).has_value() == letter);
        }
    }
}

TEST_CASE("white space, stray bits, stray padding, a lone character, anything else") {
    for (const std::string_view text :
         {"Zg",    "Zg=",      "Zg===", "=",        "==",       "====",    "Z",      "Z===",
          "Zh==",  "Zm9=",     "Zm9v=", "Zm9v====", "Zg==Zg==", "Zm 9v",   "Zm9v\n", " Zm9v",
          "Zm9v ", "Zm\r\n9v", "Zm9*",  "Zm9-",     "Zm9_",     "Zm9\x80", "Z=g="}) {
        CAPTURE(text);
        CHECK_FALSE(decodeBase64(text));
        CHECK_FALSE(crypto::decodeSecretBase64(text));
    }
    for (const std::string_view text :
         {"Z", "Zh", "Zm9", "Zg==", "Zm8=", "Zm9vY", "Zm9v=", "Zm9v "}) {
        CAPTURE(text);
        CHECK_FALSE(decodeBase64(text, Base64::Unpadded));
        CHECK_FALSE(decodeBase64(text, Base64::Url));
    }
    CHECK_FALSE(decodeBase64(std::string_view("Zm9\0", 4)));
}
