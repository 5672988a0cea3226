// What a certificate that an authority issued says of itself, as far as its renewal needs it.
// Never judges whether a client would trust it.
#pragma once

#include <optional>
#include <string>

#include "acme/renewal.h"

namespace acme {

/// Of the first certificate of a PEM text; nothing where there is none. Its id is empty where it
/// names no key of its issuer.
std::optional<Held> heldOf(const std::string& pem);

/// Its DER in base64url, as revocation wants it (RFC 8555 section 7.6); empty where there is none.
std::string encodedCertificate(const std::string& pem);

}  // namespace acme
