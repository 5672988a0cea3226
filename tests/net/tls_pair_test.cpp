// One file with certificate and key, as PEM in any order. PFX files made by openssl, with and
// without old ciphers, are the subject of tests/end_to_end/certificates_test.py.
#include "gateway/net/tls_pair.h"

#include <array>
#include <sys/ioctl.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"

namespace net = gateway::net;

namespace {

std::string refusal(const std::string& octets) {
    try {
        return net::readPair(octets, "") ? "" : "sealed";
    } catch (const gateway::Error& error) {
        return error.what();
    }
}

bool fits(const net::CertificateAndKey& pair) {
    return net::TlsContext(pair.certificate, pair.key, "1.2").facts().daysLeft > 0;
}

}  // namespace

TEST_CASE("the key may stand before the certificate, and others between them") {
    const auto made = net::makeSelfSigned({"a.example.com"}, 30);
    const auto other = net::makeSelfSigned({"b.example.com"}, 30);
    for (const std::string& text :
         {made.certificate + made.key, made.key + made.certificate,
          "text before\n" + other.certificate + made.key + "text\n" + made.certificate}) {
        const auto pair = net::readPair(text, "");
        REQUIRE(pair);
        CHECK(fits(*pair));
        CHECK(pair->certificate == made.certificate);
        CHECK(pair->key == made.key);
    }
}

TEST_CASE("what lacks something is refused with what it lacks") {
    const auto made = net::makeSelfSigned({"a.example.com"}, 30);
    const auto other = net::makeSelfSigned({"a.example.com"}, 30);
    CHECK(refusal(made.certificate).find("no private key") != std::string::npos);
    CHECK(refusal(made.key).find("no certificate") != std::string::npos);
    CHECK(refusal("").find("neither certificate nor key") != std::string::npos);
    CHECK(refusal(std::string(1000, '\x30')).find("neither") != std::string::npos);
    CHECK(refusal(made.certificate + other.key).find("the one of no certificate") !=
          std::string::npos);
    std::string many;
    for (int i = 0; i < 40; ++i) {
        many += other.certificate;
    }
    CHECK(refusal(many + made.key).find("more than 32") != std::string::npos);
}

TEST_CASE("nobody is asked for the passphrase of a certificate") {
    // OpenSSL would ask at the terminal, or else read from standard input.
    const std::string sealed =
        "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
        "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
        "AAAAAAAAAAAAAAAAAAAAAA==\n-----END CERTIFICATE-----\n";
    const auto made = net::makeSelfSigned({"a.example.com"}, 30);
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    REQUIRE(::write(ends[1], "typed\n", 6) == 6);
    const gateway::Descriptor before(::dup(STDIN_FILENO));
    ::dup2(ends[0], STDIN_FILENO);
    CHECK_THROWS_AS(net::certificateFacts(sealed), gateway::Error);
    CHECK_THROWS_AS(net::TlsContext(sealed, made.key, "1.2"), gateway::Error);
    CHECK_NOTHROW(net::TlsContext(made.certificate + sealed, made.key, "1.2"));
    CHECK_FALSE(refusal(sealed + made.key).empty());
    int waiting = 0;
    ::ioctl(ends[0], FIONREAD, &waiting);
    CHECK(waiting == 6);
    ::dup2(before.get(), STDIN_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
}
