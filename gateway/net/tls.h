// TLS contexts and their hot swap: one holder for the certificate of every listener. New handshakes
// take the new one, running sessions keep theirs. TLS 1.2 and 1.3, forward secrecy only, no
// renegotiation, no compression (RFC 9325).
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

#include "gateway/base/clock.h"

namespace gateway::net {

/// Frees an OpenSSL object by its own function.
template <auto Free>
struct OpensslFree {
    template <typename T>
    void operator()(T* object) const {
        Free(object);
    }
};
using SslCtx = std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>>;
using Ssl = std::unique_ptr<SSL, OpensslFree<SSL_free>>;

/// Whether a client is asked for a certificate in the handshake. Any is taken there, and none as
/// well: what it is worth is said afterwards.
enum class ClientCertificates { No, Asked };

/// What a client's certificate proves.
struct ClientCertificate {
    std::vector<std::string> names;  ///< DNS names, where it chains to the system's roots
    std::string fault;               ///< why there are none
};

/// What is known of a certificate.
struct CertificateFacts {
    std::vector<std::string> names;  ///< DNS names and addresses of its subjectAltName
    long daysLeft = 0;               ///< negative where it has expired
    WallTime begins;
    WallTime ends;
    std::string issuer;           ///< its distinguished name (RFC 4514), any octets
    std::string sha256;           ///< of all of it, hex: what browsers call its fingerprint
    std::string publicKeySha256;  ///< of its SubjectPublicKeyInfo, hex: what a twin pins
};

/// What is spoken behind a handshake: the one name that a client may ask for by ALPN (RFC 7301).
enum class TlsProtocol {
    Pop3,    ///< "pop3"; who asks for none is welcome
    Http,    ///< "http/1.1"; who asks for none is welcome
    AcmeTls  ///< "acme-tls/1" (RFC 8737): for a challenge's own certificate
};

class TlsContext;

/// What a listener wants of a handshake, beside the certificate.
struct TlsTerms {
    ClientCertificates clientCertificates = ClientCertificates::No;
    std::optional<TlsProtocol> protocol;  ///< instead of the context's own
    /// The certificate that answers an ACME server's challenge for this name (RFC 8737), where the
    /// listener answers such; null for a name that nobody is being asked about.
    std::function<std::shared_ptr<const TlsContext>(std::string_view serverName)> challenge;
};

/// A certificate with its chain and key, ready for handshakes. Immutable.
class TlsContext {
public:
    /// PEM texts. Throws Error(Tls), saying which part is wrong: no certificate, no key, or a key
    /// that is not the certificate's. `minimum` is "1.2" or "1.3".
    TlsContext(const std::string& certificatePem, const std::string& keyPem,
               const std::string& minimum, TlsProtocol protocol = TlsProtocol::Pop3);

    /// A server's side of one connection, not yet bound to a socket.
    Ssl newSession(ClientCertificates clientCertificates = ClientCertificates::No) const;
    /// The same on these terms, which must outlive it.
    Ssl newSession(const TlsTerms& terms) const;

    const CertificateFacts& facts() const { return m_facts; }

private:
    static int onClientHello(SSL* ssl, int* alert, void*);

    SslCtx m_context;
    CertificateFacts m_facts;
};

/// The current context. Belongs to the I/O thread.
class TlsHolder {
public:
    explicit TlsHolder(std::shared_ptr<const TlsContext> context) : m_current(std::move(context)) {}
    std::shared_ptr<const TlsContext> current() const { return m_current; }
    void replace(std::shared_ptr<const TlsContext> context) { m_current = std::move(context); }

private:
    std::shared_ptr<const TlsContext> m_current;
};

/// The DNS names of its subjectAltName, any octets.
std::vector<std::string> dnsNames(const X509* certificate);

/// Whether one of a certificate's names is that host, or its wildcard (RFC 9525 6.3).
bool covers(const std::vector<std::string>& names, const std::string& host);

/// Throws Error(Tls) where the text holds no certificate.
CertificateFacts certificateFacts(const std::string& certificatePem);

/// A certificate and its key as PEM texts.
struct CertificateAndKey {
    std::string certificate;
    std::string key;
};

/// A self-signed certificate (ECDSA P-256) for `names`, valid for `days` from now (and an hour
/// back, for clocks that differ). With `keyPem` it keeps that key, so that pins hold over a
/// renewal.
CertificateAndKey makeSelfSigned(const std::vector<std::string>& names, int days,
                                 const std::string& keyPem = {});

}  // namespace gateway::net
