// Certificates and contexts: what is refused, and what handshakes are possible.
#include "gateway/net/tls.h"

#include <doctest/doctest.h>

#include "gateway/base/error.h"

namespace net = gateway::net;

namespace {

/// A client and a server that talk through memory; true where both think the handshake is done.
bool shakeHands(const net::TlsContext& serverContext, int least, int most, const char* ciphers,
                std::string_view alpn = {}) {
    const net::SslCtx clientContext(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(clientContext.get(), least);
    SSL_CTX_set_max_proto_version(clientContext.get(), most);
    if (ciphers != nullptr) {
        SSL_CTX_set_cipher_list(clientContext.get(), ciphers);
    }
    const net::Ssl client(SSL_new(clientContext.get()));
    const net::Ssl server = serverContext.newSession();
    if (!alpn.empty()) {
        const std::string offered = static_cast<char>(alpn.size()) + std::string(alpn);
        SSL_set_alpn_protos(client.get(), reinterpret_cast<const unsigned char*>(offered.data()),
                            static_cast<unsigned>(offered.size()));
    }
    BIO* clientSide = nullptr;
    BIO* serverSide = nullptr;
    BIO_new_bio_pair(&clientSide, 0, &serverSide, 0);
    SSL_set_bio(client.get(), clientSide, clientSide);
    SSL_set_bio(server.get(), serverSide, serverSide);
    SSL_set_connect_state(client.get());
    for (int round = 0; round < 10; ++round) {
        SSL_do_handshake(client.get());
        SSL_do_handshake(server.get());
    }
    return SSL_is_init_finished(client.get()) == 1 && SSL_is_init_finished(server.get()) == 1;
}

net::TlsContext contextFor(const std::string& minimum) {
    const auto made = net::makeSelfSigned({"msgw.example.com"}, 30);
    return {made.certificate, made.key, minimum};
}

std::string refusal(const std::string& certificate, const std::string& key) {
    try {
        const net::TlsContext context(certificate, key, "1.2");
        return "";
    } catch (const gateway::Error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("a self-signed certificate carries its names, its days, and keeps a given key") {
    const auto first = net::makeSelfSigned({"one.example.com", "two.example.com"}, 100);
    const auto facts = net::certificateFacts(first.certificate);
    CHECK(facts.names == std::vector<std::string>{"one.example.com", "two.example.com"});
    CHECK((facts.daysLeft == 99 || facts.daysLeft == 100));
    const auto left = facts.ends - std::chrono::system_clock::now();
    CHECK(left <= std::chrono::hours(100 * 24));
    CHECK(left > std::chrono::hours(100 * 24) - std::chrono::minutes(5));
    CHECK(facts.issuer == "CN=one.example.com");
    CHECK(net::TlsContext(first.certificate, first.key, "1.2").facts().publicKeySha256 ==
          facts.publicKeySha256);
    const auto second = net::makeSelfSigned({"one.example.com"}, 100, first.key);
    CHECK(second.key == first.key);
    CHECK(net::certificateFacts(second.certificate).publicKeySha256 == facts.publicKeySha256);
    const auto other = net::makeSelfSigned({"one.example.com"}, 100);
    CHECK(net::certificateFacts(other.certificate).publicKeySha256 != facts.publicKeySha256);
}

TEST_CASE("what is no certificate, no key, or no pair is refused with the reason") {
    const auto one = net::makeSelfSigned({"a.example.com"}, 1);
    const auto two = net::makeSelfSigned({"a.example.com"}, 1);
    CHECK(refusal(one.certificate, one.key).empty());
    CHECK(refusal("", one.key).find("no PEM certificate") != std::string::npos);
    CHECK(refusal(one.certificate, "x").find("no PEM private key") != std::string::npos);
    CHECK(refusal(one.certificate, two.key).find("not the one of the certificate") !=
          std::string::npos);
}

TEST_CASE("TLS 1.2 and 1.3 with forward secrecy, and nothing below") {
    const net::TlsContext context = contextFor("1.2");
    CHECK(shakeHands(context, TLS1_3_VERSION, TLS1_3_VERSION, nullptr));
    CHECK(shakeHands(context, TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE+AESGCM"));
    CHECK_FALSE(shakeHands(context, TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE+AES:!AESGCM:!AESCCM"));
    CHECK_FALSE(shakeHands(context, TLS1_2_VERSION, TLS1_2_VERSION, "kRSA"));
    CHECK_FALSE(shakeHands(context, TLS1_1_VERSION, TLS1_1_VERSION, "ALL:@SECLEVEL=0"));
}

TEST_CASE("minimum 1.3 refuses 1.2") {
    const net::TlsContext context = contextFor("1.3");
    CHECK(shakeHands(context, TLS1_3_VERSION, TLS1_3_VERSION, nullptr));
    CHECK_FALSE(shakeHands(context, TLS1_2_VERSION, TLS1_2_VERSION, "ECDHE+AESGCM"));
}

TEST_CASE("a client that asks for another protocol by name is refused") {
    const net::TlsContext context = contextFor("1.2");
    CHECK(shakeHands(context, TLS1_2_VERSION, TLS1_3_VERSION, nullptr, "pop3"));
    CHECK_FALSE(shakeHands(context, TLS1_2_VERSION, TLS1_3_VERSION, nullptr, "http/1.1"));
}
