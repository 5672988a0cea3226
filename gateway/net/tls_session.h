// The server's side of TLS on one socket, as steps that never block: each says what it waits for.
// Never throws; never goes back to plain text.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/net/tls.h"

namespace gateway::net {

/// Reads from the socket itself; what it writes is gathered, so that many records go in one call.
/// An idle session holds no buffer of either.
class TlsSession {
public:
    enum class Step {
        Done,       ///< and `octets` says how many, for read() and write()
        WantRead,   ///< try again when the socket is readable
        WantWrite,  ///< try again when it is writable
        Ended       ///< the peer went away or broke the protocol: failure() says how
    };

    TlsSession(const TlsContext& context, int socket, TlsTerms terms = {});
    ~TlsSession() = default;
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    Step handshake();
    Step read(std::span<char> into, std::size_t& octets);
    /// Where it must be tried again, then with the same octets.
    Step write(std::string_view from, std::size_t& octets);
    /// How much one system call may read; 0: a record. The buffer is made, and wiped, at that size
    /// whenever there is something to read, so a large one is for a message that flows.
    void readAhead(std::size_t octets);
    /// Whether read() has something to give without a look at the socket.
    bool holdsInput() const;
    /// Tells the peer that no more will come (close_notify), if the socket takes it now.
    void sayGoodbye() noexcept;

    const std::string& failure() const { return m_failure; }
    std::string version() const;  ///< "TLSv1.3"
    std::string cipher() const;   ///< "TLS_AES_256_GCM_SHA384"
    ClientCertificate clientCertificate() const;
    /// What both agreed on by ALPN; empty where the client asked for nothing.
    std::string protocol() const;

private:
    Step stepOf(int result, const char* what);
    Step send();

    const TlsTerms m_terms;
    int m_socket;
    std::string m_records;     ///< sealed, and not yet taken by the socket
    std::size_t m_sent = 0;    ///< octets of those that it has taken
    std::size_t m_size = 0;    ///< octets of the write() that is under way
    std::size_t m_sealed = 0;  ///< octets of those that lie in records
    Ssl m_ssl;
    std::string m_failure;
};

}  // namespace gateway::net
