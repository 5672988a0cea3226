// The challenges of an ACME server that this node answers right now: http-01 (RFC 8555 section 8.3)
// and tls-alpn-01 (RFC 8737). Never answers for a token or name that nobody is being asked about.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/net/tls.h"

namespace acme {

/// Filled by who orders certificates and by its twins, read by who listens. Belongs to the I/O
/// thread.
class Challenges {
public:
    /// What `/.well-known/acme-challenge/<token>` answers until it is
    /// removed. A server asks for it several times, from several places.
    void add(std::string token, std::string keyAuthorization);
    void remove(std::string_view token);
    /// Null where the token is not known. Points into this object.
    const std::string* find(std::string_view token) const;

    /// The context for a handshake that offers exactly `acme-tls/1` for this server name. Compares
    /// names without case.
    void addTlsAlpn(std::string_view name, std::shared_ptr<const gateway::net::TlsContext> context);
    void removeTlsAlpn(std::string_view name);
    /// Null where the name is not known: such a handshake ends with no_application_protocol.
    std::shared_ptr<const gateway::net::TlsContext> findTlsAlpn(std::string_view name) const;

    /// A challenge of another server's order, which is answered for it as long as it lasts.
    struct Borrowed {
        std::string name;              ///< lower case
        std::string token;             ///< of http-01; empty where there is a context
        std::string keyAuthorization;  ///< of http-01
        std::shared_ptr<const gateway::net::TlsContext> context;  ///< of tls-alpn-01, or null
        gateway::WallTime until;
    };
    /// These, in the place of those before. Our own come first.
    void borrow(std::vector<Borrowed> borrowed) { m_borrowed = std::move(borrowed); }
    /// Null where that name's token is not among them, or is over. Points into this object.
    const std::string* findBorrowed(std::string_view name, std::string_view token) const;

private:
    std::map<std::string, std::string, std::less<>> m_tokens;
    std::map<std::string, std::shared_ptr<const gateway::net::TlsContext>, std::less<>> m_tlsAlpn;
    std::vector<Borrowed> m_borrowed;
};

/// The path that http-01 asks for, up to the token.
inline constexpr std::string_view kChallengePath = "/.well-known/acme-challenge/";

/// Whether this can be a token at all: base64url (RFC 8555 section 8.3), at most kLongestToken.
bool isToken(std::string_view text);
inline constexpr std::size_t kLongestToken = 256;

/// The self-signed certificate that answers tls-alpn-01 for a domain name (RFC 8737 section 3), in
/// a context that agrees to `acme-tls/1` and nothing else.
std::shared_ptr<const gateway::net::TlsContext> makeTlsAlpnContext(
    const std::string& name, std::string_view keyAuthorization);

}  // namespace acme
