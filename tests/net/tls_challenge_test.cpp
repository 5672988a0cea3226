// tls-alpn-01 (RFC 8737) in the ClientHello: the challenge's certificate for exactly that protocol
// and name, an alert for other names, and everybody else as if there were none.
#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "gateway/net/tls.h"

namespace net = gateway::net;

namespace {

struct Met {
    bool done = false;
    std::string name;      ///< of the certificate that was shown
    std::string protocol;  ///< that was agreed on
    int alert = 0;         ///< that the server sent
};

int noteAlert = 0;

void onInfo(const SSL*, int where, int value) {
    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT) {
        noteAlert = value & 0xFF;
    }
}

std::shared_ptr<const net::TlsContext> contextFor(const std::string& name,
                                                  net::TlsProtocol protocol) {
    const auto made = net::makeSelfSigned({name}, 30);
    return std::make_shared<const net::TlsContext>(made.certificate, made.key, "1.2", protocol);
}

/// `alpn` in wire form.
Met meet(const std::string& serverName, const std::string& alpn, int version) {
    static const auto ours = contextFor("ours.example", net::TlsProtocol::Pop3);
    static const auto challenge = contextFor("challenge.example", net::TlsProtocol::AcmeTls);
    net::TlsTerms terms;
    terms.protocol = net::TlsProtocol::Http;
    terms.challenge = [](std::string_view name) {
        return name == "asked.example" ? challenge : nullptr;
    };
    const net::SslCtx clientContext(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(clientContext.get(), version);
    const net::Ssl client(SSL_new(clientContext.get()));
    std::string named = serverName;  // OpenSSL takes no const here, and copies it
    SSL_ctrl(client.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             named.empty() ? nullptr : named.data());
    SSL_set_alpn_protos(client.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                        static_cast<unsigned>(alpn.size()));
    SSL_set_info_callback(client.get(), onInfo);
    const net::Ssl server = ours->newSession(terms);
    BIO* clientSide = nullptr;
    BIO* serverSide = nullptr;
    BIO_new_bio_pair(&clientSide, 0, &serverSide, 0);
    SSL_set_bio(client.get(), clientSide, clientSide);
    SSL_set_bio(server.get(), serverSide, serverSide);
    SSL_set_connect_state(client.get());
    noteAlert = 0;
    for (int round = 0; round < 10; ++round) {
        SSL_do_handshake(client.get());
        SSL_do_handshake(server.get());
    }
    Met met;
    met.alert = noteAlert;
    met.done = SSL_is_init_finished(client.get()) == 1 && SSL_is_init_finished(server.get()) == 1;
    if (X509* const shown = SSL_get0_peer_certificate(client.get())) {
        met.name = net::dnsNames(shown).front();
    }
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(client.get(), &name, &length);
    met.protocol.assign(reinterpret_cast<const char*>(name), length);
    return met;
}

const std::string kAcme =
    "\x0a"
    "acme-tls/1";
const std::string kHttp = "\x08http/1.1";

}  // namespace

TEST_CASE("a challenge's handshake is answered by the challenge's certificate") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        const Met met = meet("asked.example", kAcme, version);
        CHECK(met.done);
        CHECK(met.name == "challenge.example");
        CHECK(met.protocol == "acme-tls/1");
    }
}

TEST_CASE("a name that nobody is being asked about, or none, ends with no_application_protocol") {
    for (const std::string name : {"ours.example", "other.example", ""}) {
        const Met met = meet(name, kAcme, TLS1_3_VERSION);
        CHECK_FALSE(met.done);
        CHECK(met.alert == SSL_AD_NO_APPLICATION_PROTOCOL);
    }
}

TEST_CASE("everybody else is served as if there were no challenge") {
    for (const std::string& alpn : {kHttp, std::string(), kAcme + kHttp, kHttp + kAcme}) {
        const Met met = meet("asked.example", alpn, TLS1_3_VERSION);
        CHECK(met.done);
        CHECK(met.name == "ours.example");
        CHECK(met.protocol == (alpn.empty() ? "" : "http/1.1"));
    }
    CHECK_FALSE(meet("asked.example", "\x04pop3", TLS1_3_VERSION).done);
}
