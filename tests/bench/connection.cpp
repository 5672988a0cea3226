#include "tests/bench/connection.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <system_error>
#include <unistd.h>

#include <openssl/bio.h>

namespace bench {

namespace {

constexpr long kPatience = 120;  ///< seconds that a server may be silent
constexpr std::size_t kRoom = 64UL * 1024;
constexpr std::size_t kSendBuffer = 128UL * 1024;

[[noreturn]] void fail(const char* what) {
    throw Trouble(std::string(what) + ": " + std::generic_category().message(errno));
}

SSL_CTX* context() {
    static SSL_CTX* const made = [] {
        SSL_CTX* const fresh = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(fresh, TLS1_3_VERSION);
        SSL_CTX_set_verify(fresh, SSL_VERIFY_NONE, nullptr);
        SSL_CTX_set_read_ahead(fresh, 1);
        SSL_CTX_set_default_read_buffer_len(fresh, kRoom);
        SSL_CTX_set_mode(fresh, SSL_MODE_RELEASE_BUFFERS);
        return fresh;
    }();
    return made;
}

}  // namespace

Connection::Connection(const Server& server)
    : m_socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    const timeval patience{kPatience, 0};
    const int one = 1;
    if (m_socket < 0 || ::inet_pton(AF_INET, server.host.c_str(), &address.sin_addr) != 1 ||
        ::connect(m_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail("connect");
    }
    ::setsockopt(m_socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ::setsockopt(m_socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(m_socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

Connection::~Connection() {
    m_tls.reset();
    ::close(m_socket);
}

void Connection::startTls() {
    m_begin = m_end = 0;
    m_tls.reset(SSL_new(context()));
    // Gathers the records of a message, so that they are not sent one by one.
    BIO* const gather = BIO_new(BIO_f_buffer());
    BIO_set_write_buffer_size(gather, static_cast<long>(kSendBuffer));
    BIO_push(gather, BIO_new_socket(m_socket, BIO_NOCLOSE));
    SSL_set_bio(m_tls.get(), BIO_new_socket(m_socket, BIO_NOCLOSE), gather);
    if (SSL_connect(m_tls.get()) != 1) {
        throw Trouble("TLS handshake failed");
    }
}

void Connection::sendPlain(std::string_view octets) {
    while (!octets.empty()) {
        const ssize_t sent = ::send(m_socket, octets.data(), octets.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            fail("send");
        }
        octets.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void Connection::sendTls(std::string_view octets) {
    if (!octets.empty() &&
        SSL_write(m_tls.get(), octets.data(), static_cast<int>(octets.size())) <= 0) {
        throw Trouble("TLS: the server took no more");
    }
}

void Connection::send(std::initializer_list<std::string_view> pieces) {
    for (const std::string_view piece : pieces) {
        m_tls ? sendTls(piece) : sendPlain(piece);
    }
    if (m_tls && BIO_flush(SSL_get_wbio(m_tls.get())) != 1) {
        fail("send");
    }
}

void Connection::receive() {
    if (m_buffer.size() - m_end < kRoom) {
        std::copy(m_buffer.begin() + static_cast<std::ptrdiff_t>(m_begin),
                  m_buffer.begin() + static_cast<std::ptrdiff_t>(m_end), m_buffer.begin());
        m_end -= m_begin;
        m_begin = 0;
        m_buffer.resize(std::max(m_buffer.size(), 2 * (m_end + kRoom)));
    }
    const std::size_t room = m_buffer.size() - m_end;
    const ssize_t got = m_tls
                            ? SSL_read(m_tls.get(), m_buffer.data() + m_end, static_cast<int>(room))
                            : ::recv(m_socket, m_buffer.data() + m_end, room, 0);
    if (got <= 0) {
        throw Trouble("the server closed the connection, or was silent for too long");
    }
    m_end += static_cast<std::size_t>(got);
}

std::string_view Connection::taken(std::size_t octets) {
    const std::string_view text(m_buffer.data() + m_begin, octets);
    m_begin += octets;
    return text;
}

std::string_view Connection::line() {
    for (std::size_t searched = 0;;) {
        const std::string_view text(m_buffer.data() + m_begin, m_end - m_begin);
        const std::size_t end = text.find('\n', searched);
        if (end != std::string_view::npos) {
            std::string_view found = taken(end + 1);
            found.remove_suffix(found.ends_with("\r\n") ? 2 : 1);
            return found;
        }
        searched = text.size();
        receive();
    }
}

std::string_view Connection::block() {
    constexpr std::string_view kEnd = "\r\n.\r\n";
    for (std::size_t searched = 0;;) {
        const std::string_view text(m_buffer.data() + m_begin, m_end - m_begin);
        if (text.starts_with(kEnd.substr(2))) {
            return taken(kEnd.size() - 2).substr(0, 0);
        }
        const std::size_t end = text.find(kEnd, searched);
        if (end != std::string_view::npos) {
            std::string_view found = taken(end + kEnd.size());
            found.remove_suffix(kEnd.size() - 2);
            return found;
        }
        searched = text.size() < kEnd.size() ? 0 : text.size() - kEnd.size() + 1;
        receive();
    }
}

}  // namespace bench
