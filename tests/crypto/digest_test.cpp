// SHA-256: the examples of FIPS 180-4, in one piece and in several.
#include "crypto/digest.h"

#include <string>

#include <doctest/doctest.h>

#include "gateway/base/text.h"

TEST_CASE("SHA-256 of the examples of FIPS 180-4") {
    const auto digest = [](const std::string& text) {
        return gateway::hexOf(crypto::sha256(gateway::octetsOf(text)));
    };
    CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("in whatever parts octets come, their SHA-256 is the same") {
    const std::string text(1000, 'a');
    const auto whole = crypto::sha256(gateway::octetsOf(text));
    CHECK(gateway::hexOf(whole) ==
          "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
    for (const std::size_t first : {0U, 1U, 63U, 64U, 65U, 999U, 1000U}) {
        crypto::Sha256 digest;
        digest.update(gateway::octetsOf(text).first(first));
        digest.update(gateway::octetsOf(text).subspan(first));
        CHECK(digest.finish() == whole);
    }
}
