// JSON Web Signatures as ACME wants them: ES256 by the account's key, HS256 for external account
// binding. Never shows a key but by pem(). RFC 7515, RFC 7518, RFC 7638, RFC 8555 section 6.2.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/types.h>

#include "crypto/secret.h"

namespace acme {

/// The ECDSA P-256 key by which a certificate authority knows us. Immutable.
class AccountKey {
public:
    static AccountKey make();
    /// Nothing where the text is no PEM private key on that curve.
    static std::optional<AccountKey> parse(const std::string& pem);

    /// The secret half too: for the file it is kept in, and nowhere else.
    std::string pem() const;

    /// Its public half in the form that has one spelling only (RFC 7638 section 3.2).
    const std::string& jwk() const { return m_jwk; }
    /// SHA-256 of that, in base64url.
    std::string thumbprint() const;
    /// `<token>.<thumbprint>` (RFC 8555 section 8.1).
    std::string authorizationOf(std::string_view token) const;

    /// A flattened JWS; `header` gets its "alg". An empty payload is that of POST-as-GET.
    std::string sign(nlohmann::json header, std::string_view payload) const;

private:
    struct Release {
        void operator()(EVP_PKEY* key) const;
    };
    using Key = std::unique_ptr<EVP_PKEY, Release>;
    explicit AccountKey(Key key);

    Key m_key;
    std::string m_jwk;
};

/// The JWS by which an account at the authority vouches for `jwk` (RFC 8555 section 7.3.4); `url`
/// is that of newAccount.
std::string externalAccountBinding(const std::string& jwk, const std::string& keyId,
                                   const std::string& url, const crypto::SecretBuffer& hmacKey);

}  // namespace acme
