// One connection of the load generator: blocking, in clear text or TLS, read as lines or whole
// multi-line answers. Takes any certificate, for what it measures listens on loopback.
// Never tries anything again: whatever fails is thrown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/ssl.h>

namespace bench {

/// The server refused, went away or took too long.
class Trouble : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Server {
    std::string host;
    std::uint16_t port = 0;
};

/// One thread at a time.
class Connection {
public:
    explicit Connection(const Server& server);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void startTls();
    /// All of it, in as few system calls as TLS records allow.
    void send(std::initializer_list<std::string_view> pieces);
    /// The next line without CRLF. What line() and block() give is valid until the next call.
    std::string_view line();
    /// All up to a line of a single dot, without that line and with dots still stuffed.
    std::string_view block();

private:
    struct Free {
        void operator()(SSL* session) const { SSL_free(session); }
    };
    void receive();
    void sendPlain(std::string_view octets);
    void sendTls(std::string_view octets);
    std::string_view taken(std::size_t octets);

    int m_socket;
    std::unique_ptr<SSL, Free> m_tls;
    std::vector<char> m_buffer;
    std::size_t m_begin = 0;
    std::size_t m_end = 0;
};

}  // namespace bench
