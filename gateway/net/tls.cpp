#include "gateway/net/tls.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "gateway/base/error.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"
#include "gateway/net/tls_objects.h"

namespace gateway::net {

namespace {

using Names = std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>>;

/// RFC 9325 section 4.2: ECDHE with AEAD only. TLS 1.3 has nothing else.
constexpr const char* kCiphers12 = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kLongestChain = 8;  ///< of intermediate certificates

X509Ptr firstCertificate(BIO* bio) {
    X509Ptr certificate = nextCertificate(bio);
    if (!certificate) {
        fail("the certificate is no PEM certificate");
    }
    return certificate;
}

Pkey privateKey(const std::string& pem) {
    Pkey key = privateKeyOf(pem);
    if (!key) {
        fail("the key is no PEM private key without a passphrase");
    }
    return key;
}

/// RFC 7301 section 3.1: each name behind its length.
constexpr std::string_view kPop3Protocol = "\x04pop3";
constexpr std::string_view kHttpProtocol = "\x08http/1.1";
constexpr std::string_view kAcmeTlsProtocol =
    "\x0a"
    "acme-tls/1";

const std::string_view& nameOf(TlsProtocol protocol) {
    return protocol == TlsProtocol::AcmeTls ? kAcmeTlsProtocol
           : protocol == TlsProtocol::Http  ? kHttpProtocol
                                            : kPop3Protocol;
}

/// Null where the session has none.
const TlsTerms* termsOf(const SSL* ssl) {
    return static_cast<const TlsTerms*>(SSL_get_app_data(ssl));
}

/// ALPACA: who asks for another protocol by name (RFC 7301) is at the wrong door.
int refuseOtherProtocols(SSL* ssl, const unsigned char** out, unsigned char* outLength,
                         const unsigned char* offered, unsigned offeredLength, void* spoken) {
    std::string_view ours = *static_cast<const std::string_view*>(spoken);
    const TlsTerms* const terms = termsOf(ssl);
    if (terms != nullptr && terms->protocol && ours != kAcmeTlsProtocol) {
        ours = nameOf(*terms->protocol);
    }
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(
            &chosen, outLength, reinterpret_cast<const unsigned char*>(ours.data()),
            static_cast<unsigned>(ours.size()), offered, offeredLength) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/// An extension of the ClientHello, as it came; empty where there is none.
std::string_view extensionOf(SSL* ssl, unsigned type) {
    const unsigned char* octets = nullptr;
    std::size_t size = 0;
    return SSL_client_hello_get0_ext(ssl, type, &octets, &size) == 1
               ? std::string_view(reinterpret_cast<const char*>(octets), size)
               : std::string_view();
}

std::size_t lengthAt(std::string_view text, std::size_t at) {
    return text.size() < at + 2 ? std::string_view::npos
                                : static_cast<unsigned char>(text[at]) * 256U +
                                      static_cast<unsigned char>(text[at + 1]);
}

/// RFC 8737 section 3: exactly this one name in the ALPN extension (RFC 7301 section 3.1).
bool isAcmeTls(std::string_view extension) {
    return extension.size() > 2 && lengthAt(extension, 0) == extension.size() - 2 &&
           extension.substr(2) == kAcmeTlsProtocol;
}

/// RFC 6066 section 3: the one host name of the list; empty where it is malformed.
std::string_view serverNameOf(std::string_view extension) {
    constexpr std::size_t kBeforeName = 5;  // length of the list, type, length of the name
    return extension.size() > kBeforeName && lengthAt(extension, 0) == extension.size() - 2 &&
                   extension[2] == TLSEXT_NAMETYPE_host_name &&
                   lengthAt(extension, 3) == extension.size() - kBeforeName
               ? extension.substr(kBeforeName)
               : std::string_view();
}

/// Notes what the certificate is worth and goes on: who it is decides a mailbox's pin, later.
int noteVerdict(X509_STORE_CTX* verification, void*) {
    X509_verify_cert(verification);
    return 1;
}

/// For clients that are asked for a certificate: the system's roots, any purpose, for Microsoft 365
/// shows the one of its servers.
void prepareVerification(SSL_CTX* context) {
    SSL_CTX_set_default_verify_paths(context);
    SSL_CTX_set_purpose(context, X509_PURPOSE_ANY);
    SSL_CTX_set_verify_depth(context, kLongestChain);
    SSL_CTX_set_cert_verify_callback(context, noteVerdict, nullptr);
}

void restrict(SSL_CTX* context, const std::string& minimum, TlsProtocol protocol) {
    SSL_CTX_set_min_proto_version(context, minimum == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, kCiphers12);
    SSL_CTX_set1_groups_list(context, kGroups);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT |
                                     SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    // What is shown is what the file holds. Else each handshake would look through the system's
    // roots for an issuer, a sixth of what it costs.
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS |
                                  SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);  // a record in one system call, several with readAhead()
    SSL_CTX_set_alpn_select_cb(context, refuseOtherProtocols,
                               const_cast<std::string_view*>(&nameOf(protocol)));  // read only
}

void addExtension(X509* certificate, int nid, const std::string& value) {
    const Extension extension(X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()));
    if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
        fail("cannot make a self-signed certificate for " + value);
    }
}

void setSerial(X509* certificate) {
    std::array<std::byte, 16> random{};
    fillRandom(random);
    random[0] &= std::byte{0x7F};  // RFC 5280 4.1.2.2: positive
    random[0] |= std::byte{0x40};
    BIGNUM* const number =
        BN_bin2bn(reinterpret_cast<const unsigned char*>(random.data()), random.size(), nullptr);
    BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
}

WallTime timeOf(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        fail("the certificate has no readable dates");
    }
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

/// SHA-256, in hex, of what an i2d function makes.
template <typename Encode>
std::string digestOf(Encode encode) {
    unsigned char* encoded = nullptr;
    const int length = encode(&encoded);
    std::array<unsigned char, 32> digest{};
    unsigned digestLength = 0;
    const bool hashed =
        length > 0 && EVP_Digest(encoded, static_cast<std::size_t>(length), digest.data(),
                                 &digestLength, EVP_sha256(), nullptr) == 1;
    OPENSSL_free(encoded);
    if (!hashed) {
        fail("the certificate cannot be encoded");
    }
    return hexOf(std::as_bytes(std::span<const unsigned char>(digest)));
}

std::string issuerOf(const X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    // UTF-8 as it is: escaped octets would be read by nobody.
    X509_NAME_print_ex(bio.get(), X509_get_issuer_name(certificate), 0,
                       XN_FLAG_RFC2253 & ~std::uint64_t{ASN1_STRFLGS_ESC_MSB});
    return textOf(bio.get());
}

}  // namespace

TlsContext::TlsContext(const std::string& certificatePem, const std::string& keyPem,
                       const std::string& minimum, TlsProtocol protocol)
    : m_context(SSL_CTX_new(TLS_server_method())) {
    if (!m_context) {
        fail("TLS: no context");
    }
    restrict(m_context.get(), minimum, protocol);
    SSL_CTX_set_client_hello_cb(m_context.get(), onClientHello, nullptr);
    prepareVerification(m_context.get());
    const Bio chain = readOnly(certificatePem);
    const X509Ptr certificate = firstCertificate(chain.get());
    if (SSL_CTX_use_certificate(m_context.get(), certificate.get()) != 1) {
        fail("the certificate cannot be used");
    }
    while (const X509Ptr next = nextCertificate(chain.get())) {
        if (SSL_CTX_add1_chain_cert(m_context.get(), next.get()) != 1) {
            fail("a certificate of the chain cannot be used");
        }
    }
    ERR_clear_error();  // the end of the PEM text counts as an error in the queue
    const Pkey key = privateKey(keyPem);
    if (SSL_CTX_use_PrivateKey(m_context.get(), key.get()) != 1 ||
        SSL_CTX_check_private_key(m_context.get()) != 1) {
        fail("the key is not the one of the certificate");
    }
    m_facts = certificateFacts(certificatePem);
}

Ssl TlsContext::newSession(ClientCertificates clientCertificates) const {
    Ssl ssl(SSL_new(m_context.get()));
    if (!ssl) {
        fail("TLS: no session");
    }
    SSL_set_accept_state(ssl.get());
    if (clientCertificates == ClientCertificates::Asked) {
        SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, nullptr);
    }
    return ssl;
}

Ssl TlsContext::newSession(const TlsTerms& terms) const {
    Ssl ssl = newSession(terms.clientCertificates);
    SSL_set_app_data(ssl.get(), const_cast<TlsTerms*>(&terms));  // read only
    return ssl;
}

/// A challenge's certificate must be chosen here: when ALPN is settled it is too late for that.
int TlsContext::onClientHello(SSL* ssl, int* alert, void*) {
    const TlsTerms* const terms = termsOf(ssl);
    if (terms == nullptr || !terms->challenge ||
        !isAcmeTls(extensionOf(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation))) {
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    const auto challenge =
        terms->challenge(serverNameOf(extensionOf(ssl, TLSEXT_TYPE_server_name)));
    if (challenge == nullptr) {
        *alert = SSL_AD_NO_APPLICATION_PROTOCOL;  // RFC 8737 section 3
        return SSL_CLIENT_HELLO_ERROR;
    }
    SSL_set_SSL_CTX(ssl, challenge->m_context.get());
    return SSL_CLIENT_HELLO_SUCCESS;
}

std::vector<std::string> dnsNames(const X509* certificate) {
    const Names all(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    std::vector<std::string> names;
    for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()); ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all.get(), i);
        if (name->type == GEN_DNS) {
            const auto* const text = ASN1_STRING_get0_data(name->d.dNSName);
            names.emplace_back(reinterpret_cast<const char*>(text),
                               static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
        }
    }
    return names;
}

CertificateFacts certificateFacts(const std::string& certificatePem) {
    const Bio bio = readOnly(certificatePem);
    const X509Ptr certificate = firstCertificate(bio.get());
    CertificateFacts facts;
    facts.begins = timeOf(X509_get0_notBefore(certificate.get()));
    facts.ends = timeOf(X509_get0_notAfter(certificate.get()));
    const auto left = facts.ends - std::chrono::system_clock::now();
    facts.daysLeft = std::chrono::floor<std::chrono::days>(left).count();
    facts.issuer = issuerOf(certificate.get());
    facts.names = dnsNames(certificate.get());
    facts.sha256 =
        digestOf([&](unsigned char** into) { return i2d_X509(certificate.get(), into); });
    facts.publicKeySha256 = digestOf([&](unsigned char** into) {
        return i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), into);
    });
    return facts;
}

bool covers(const std::vector<std::string>& names, const std::string& host) {
    const std::size_t dot = host.find('.');
    const std::string wildcard = dot == std::string::npos ? host : '*' + host.substr(dot);
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return equalsIgnoringCase(name, host) || equalsIgnoringCase(name, wildcard);
    });
}

CertificateAndKey makeSelfSigned(const std::vector<std::string>& names, int days,
                                 const std::string& keyPem) {
    const Pkey key = keyPem.empty() ? Pkey(EVP_EC_gen("P-256")) : privateKey(keyPem);
    const X509Ptr certificate(X509_new());
    if (!key || !certificate || names.empty()) {
        fail("cannot make a self-signed certificate");
    }
    X509_set_version(certificate.get(), X509_VERSION_3);
    setSerial(certificate.get());
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_time_adj_ex(X509_getm_notAfter(certificate.get()), days, 0, nullptr);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* const subject = X509_get_subject_name(certificate.get());
    // RFC 5280: a common name has 64 characters at most; the names that count are the alternative
    // ones.
    X509_NAME_add_entry_by_txt(
        subject, "CN", MBSTRING_UTF8,
        reinterpret_cast<const unsigned char*>(names[0].substr(0, 64).c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), subject);
    std::string alternatives;
    for (const std::string& name : names) {
        alternatives += alternatives.empty() ? "DNS:" : ",DNS:";
        alternatives += name;
    }
    addExtension(certificate.get(), NID_subject_alt_name, alternatives);
    addExtension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
    addExtension(certificate.get(), NID_key_usage, "critical,digitalSignature");
    addExtension(certificate.get(), NID_ext_key_usage, "serverAuth");
    if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) {
        fail("cannot sign a self-signed certificate");
    }
    return {pemOf(certificate.get()), pemOf(key.get())};
}

}  // namespace gateway::net
