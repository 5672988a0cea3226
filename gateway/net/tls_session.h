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

/// Works on the socket itself, so an idle session costs no engine buffers.
class TlsSession {
public:
    enum class Step {
        Done,       ///< and `octets` says how many, for read() and write()
        WantRead,   ///< try again when the socket is readable
        WantWrite,  ///< try again when it is writable
        Ended       ///< the peer went away or broke the protocol: failure() says how
    };

    TlsSession(const TlsContext& context, int socket,
               ClientCertificates clientCertificates = ClientCertificates::No);

    Step handshake();
    Step read(std::span<char> into, std::size_t& octets);
    Step write(std::string_view from, std::size_t& octets);
    /// Tells the peer that no more will come (close_notify), if the socket takes it now.
    void sayGoodbye() noexcept;

    const std::string& failure() const { return m_failure; }
    std::string version() const;  ///< "TLSv1.3"
    std::string cipher() const;   ///< "TLS_AES_256_GCM_SHA384"
    ClientCertificate clientCertificate() const;

private:
    Step stepOf(int result, const char* what);

    Ssl m_ssl;
    std::string m_failure;
};

}  // namespace gateway::net
