// What an ACME server is answered: known tokens and names only, and a tls-alpn-01 certificate as
// RFC 8737 section 3 wants it.
#include "acme/challenge.h"

#include <doctest/doctest.h>
#include <openssl/x509v3.h>

#include "crypto/digest.h"
#include "gateway/base/text.h"

namespace {

using gateway::net::OpensslFree;
using ClientCtx = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;

/// A handshake in memory; what the client offers by ALPN, each name behind its length.
struct Handshake {
    Handshake(const gateway::net::TlsContext& server, std::string_view offered)
        : serverSide(server.newSession()), clientSide(SSL_new(context.get())) {
        BIO* left = nullptr;
        BIO* right = nullptr;
        BIO_new_bio_pair(&left, 0, &right, 0);
        SSL_set_bio(serverSide.get(), left, left);
        SSL_set_bio(clientSide.get(), right, right);
        SSL_set_connect_state(clientSide.get());
        SSL_set_alpn_protos(clientSide.get(),
                            reinterpret_cast<const unsigned char*>(offered.data()),
                            static_cast<unsigned>(offered.size()));
        for (int round = 0; round < 10 && !SSL_is_init_finished(clientSide.get()); ++round) {
            SSL_do_handshake(clientSide.get());
            SSL_do_handshake(serverSide.get());
        }
    }
    std::string agreed() const {
        const unsigned char* name = nullptr;
        unsigned length = 0;
        SSL_get0_alpn_selected(clientSide.get(), &name, &length);
        return {reinterpret_cast<const char*>(name), length};
    }

    ClientCtx context{SSL_CTX_new(TLS_client_method())};
    gateway::net::Ssl serverSide;
    gateway::net::Ssl clientSide;
};

}  // namespace

TEST_CASE("a token is known from its announcement until it is taken back") {
    acme::Challenges challenges;
    CHECK(challenges.find("abc") == nullptr);
    challenges.add("abc", "abc.thumb");
    REQUIRE(challenges.find("abc") != nullptr);
    CHECK(*challenges.find("abc") == "abc.thumb");
    CHECK(challenges.find("abcd") == nullptr);
    challenges.remove("abc");
    challenges.remove("never there");
    CHECK(challenges.find("abc") == nullptr);
}

TEST_CASE("what can be a token: base64url of a bounded length") {
    CHECK(acme::isToken("evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr_oA"));
    for (const char* wrong : {"", "a/b", "..", "a b", "a%2f", "a=", "a\n"}) {
        CHECK_FALSE(acme::isToken(wrong));
    }
    CHECK(acme::isToken(std::string(acme::kLongestToken, 'a')));
    CHECK_FALSE(acme::isToken(std::string(acme::kLongestToken + 1, 'a')));
}

TEST_CASE("tls-alpn-01: the certificate names the domain and holds the hash, critical") {
    acme::Challenges challenges;
    challenges.addTlsAlpn("MSGW.example.com",
                          acme::makeTlsAlpnContext("msgw.example.com", "token.thumb"));
    CHECK(challenges.findTlsAlpn("other.example.com") == nullptr);
    const auto context = challenges.findTlsAlpn("msgw.EXAMPLE.com");
    REQUIRE(context != nullptr);
    const Handshake handshake(*context,
                              "\x0a"
                              "acme-tls/1");
    CHECK(handshake.agreed() == "acme-tls/1");
    const std::unique_ptr<X509, OpensslFree<X509_free>> shown(
        SSL_get1_peer_certificate(handshake.clientSide.get()));
    REQUIRE(shown != nullptr);
    CHECK(gateway::net::dnsNames(shown.get()) == std::vector<std::string>{"msgw.example.com"});
    ASN1_OBJECT* const oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.31", 1);
    const int at = X509_get_ext_by_OBJ(shown.get(), oid, -1);
    ASN1_OBJECT_free(oid);
    REQUIRE(at >= 0);
    const X509_EXTENSION* const extension = X509_get_ext(shown.get(), at);
    CHECK(X509_EXTENSION_get_critical(extension) == 1);
    const ASN1_OCTET_STRING* const value =
        X509_EXTENSION_get_data(const_cast<X509_EXTENSION*>(extension));
    const auto digest = crypto::sha256(gateway::octetsOf("token.thumb"));
    const std::string wanted = "\x04\x20" + std::string(gateway::textOf(digest));
    CHECK(std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                      static_cast<std::size_t>(ASN1_STRING_length(value))) == wanted);
    challenges.removeTlsAlpn("msgw.example.com");
    CHECK(challenges.findTlsAlpn("msgw.example.com") == nullptr);
}

TEST_CASE("tls-alpn-01: no other protocol is agreed to") {
    const auto context = acme::makeTlsAlpnContext("msgw.example.com", "token.thumb");
    const Handshake handshake(*context, "\x04pop3");
    CHECK(handshake.agreed().empty());
    CHECK_FALSE(SSL_is_init_finished(handshake.clientSide.get()));
}
