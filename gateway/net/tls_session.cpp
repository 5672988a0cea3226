#include "gateway/net/tls_session.h"

#include <openssl/err.h>

namespace gateway::net {

TlsSession::TlsSession(const TlsContext& context, int socket, ClientCertificates clientCertificates)
    : m_ssl(context.newSession(clientCertificates)) {
    SSL_set_fd(m_ssl.get(), socket);
}

TlsSession::Step TlsSession::stepOf(int result, const char* what) {
    switch (SSL_get_error(m_ssl.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return Step::WantRead;
        case SSL_ERROR_WANT_WRITE:
            return Step::WantWrite;
        case SSL_ERROR_ZERO_RETURN:
            m_failure = "the peer ended TLS";
            break;
        case SSL_ERROR_SYSCALL:
            m_failure = std::string(what) + ": the peer went away";
            break;
        default:
            const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
            m_failure = std::string(what) + ": " + (reason != nullptr ? reason : "TLS failure");
    }
    ERR_clear_error();
    return Step::Ended;
}

// The error queue belongs to the thread: what another session left there would be read as ours.

TlsSession::Step TlsSession::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(m_ssl.get());
    return result == 1 ? Step::Done : stepOf(result, "TLS handshake");
}

TlsSession::Step TlsSession::read(std::span<char> into, std::size_t& octets) {
    ERR_clear_error();
    const int result = SSL_read_ex(m_ssl.get(), into.data(), into.size(), &octets);
    return result == 1 ? Step::Done : stepOf(result, "read");
}

TlsSession::Step TlsSession::write(std::string_view from, std::size_t& octets) {
    ERR_clear_error();
    const int result = SSL_write_ex(m_ssl.get(), from.data(), from.size(), &octets);
    return result == 1 ? Step::Done : stepOf(result, "write");
}

void TlsSession::sayGoodbye() noexcept {
    if (m_failure.empty() && SSL_is_init_finished(m_ssl.get()) == 1) {
        ERR_clear_error();
        SSL_shutdown(m_ssl.get());
        ERR_clear_error();
    }
}

std::string TlsSession::version() const { return SSL_get_version(m_ssl.get()); }

std::string TlsSession::cipher() const { return SSL_get_cipher_name(m_ssl.get()); }

ClientCertificate TlsSession::clientCertificate() const {
    ClientCertificate result;
    X509* const certificate = SSL_get0_peer_certificate(m_ssl.get());
    const long verdict = SSL_get_verify_result(m_ssl.get());
    if (certificate == nullptr) {
        result.fault = "none was given";
    } else if (verdict != X509_V_OK) {
        result.fault = X509_verify_cert_error_string(verdict);
    } else {
        result.names = dnsNames(certificate);
        result.fault = result.names.empty() ? "it names no host" : "";
    }
    return result;
}

}  // namespace gateway::net
