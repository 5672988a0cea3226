#include "gateway/net/tls_session.h"

#include <cerrno>
#include <exception>
#include <sys/socket.h>

#include <openssl/bio.h>
#include <openssl/err.h>

namespace gateway::net {

namespace {

/// What is sealed before it is sent: records of 16 KiB, the last of which may exceed it.
constexpr std::size_t kMostGathered = 64UL * 1024;
constexpr std::size_t kRoom = kMostGathered + 17UL * 1024;
/// A buffer that is larger is given back once it is empty.
constexpr std::size_t kMostKept = 4096;

int gather(BIO* bio, const char* octets, int size) {
    try {
        static_cast<std::string*>(BIO_get_data(bio))
            ->append(octets, static_cast<std::size_t>(size));
        return size;
    } catch (const std::exception&) {  // no memory; OpenSSL is C
        return -1;
    }
}

long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

/// A sink that appends to a string: OpenSSL's own copies and wipes all it holds whenever it grows.
BIO* newSink(std::string& records) {
    static BIO_METHOD* const kMethod = [] {
        BIO_METHOD* const made =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "records to be sent");
        BIO_meth_set_write(made, gather);
        BIO_meth_set_ctrl(made, control);
        return made;
    }();
    BIO* const sink = BIO_new(kMethod);
    BIO_set_data(sink, &records);
    BIO_set_init(sink, 1);
    return sink;
}

}  // namespace

TlsSession::TlsSession(const TlsContext& context, int socket, TlsTerms terms)
    : m_terms(std::move(terms)), m_socket(socket), m_ssl(context.newSession(m_terms)) {
    SSL_set_bio(m_ssl.get(), BIO_new_socket(socket, BIO_NOCLOSE), newSink(m_records));
}

TlsSession::Step TlsSession::send() {
    while (m_sent < m_records.size()) {
        const ssize_t sent =
            ::send(m_socket, m_records.data() + m_sent, m_records.size() - m_sent, MSG_NOSIGNAL);
        if (sent >= 0) {
            m_sent += static_cast<std::size_t>(sent);
        } else if (errno == EAGAIN) {
            return Step::WantWrite;
        } else if (errno != EINTR) {
            m_failure = "write: the peer went away";
            return Step::Ended;
        }
    }
    m_sent = 0;
    m_records.clear();
    if (m_records.capacity() > kMostKept) {
        m_records = std::string();
    }
    return Step::Done;
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
    const Step step = result == 1 ? Step::Done : stepOf(result, "TLS handshake");
    const Step sent = send();  // an alert too, which tells the peer why it ends
    return step == Step::Ended || sent == Step::Done ? step : sent;
}

TlsSession::Step TlsSession::read(std::span<char> into, std::size_t& octets) {
    ERR_clear_error();
    const int result = SSL_read_ex(m_ssl.get(), into.data(), into.size(), &octets);
    if (result == 1) {
        return Step::Done;
    }
    const Step step = stepOf(result, "read");
    if (send() == Step::Ended) {  // an alert, or the answer to a key update
        return Step::Ended;
    }
    return step;
}

TlsSession::Step TlsSession::write(std::string_view from, std::size_t& octets) {
    if (m_sealed > 0 && from.size() != m_size) {
        m_failure = "write: an earlier one was interrupted";
        return Step::Ended;
    }
    m_size = from.size();
    if (m_size > kMostKept) {
        m_records.reserve(kRoom);
    }
    ERR_clear_error();
    while (m_sealed < from.size() && m_records.size() < kMostGathered) {
        std::size_t taken = 0;
        const std::string_view rest = from.substr(m_sealed);
        const int result = SSL_write_ex(m_ssl.get(), rest.data(), rest.size(), &taken);
        if (result != 1) {
            return stepOf(result, "write");
        }
        m_sealed += taken;
    }
    const Step step = send();
    if (step == Step::Done) {
        octets = m_sealed;
        m_sealed = 0;
    }
    return step;
}

void TlsSession::readAhead(std::size_t octets) {
    SSL_set_default_read_buffer_len(m_ssl.get(), octets);
}

bool TlsSession::holdsInput() const { return SSL_has_pending(m_ssl.get()) == 1; }

void TlsSession::sayGoodbye() noexcept {
    if (m_failure.empty() && SSL_is_init_finished(m_ssl.get()) == 1) {
        ERR_clear_error();
        SSL_shutdown(m_ssl.get());
        ERR_clear_error();
        send();
    }
}

std::string TlsSession::version() const { return SSL_get_version(m_ssl.get()); }

std::string TlsSession::cipher() const { return SSL_get_cipher_name(m_ssl.get()); }

std::string TlsSession::protocol() const {
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(m_ssl.get(), &name, &length);
    return {reinterpret_cast<const char*>(name), length};
}

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
