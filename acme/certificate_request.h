// Keys of certificates, and the request (PKCS #10, RFC 2986) that an order is finalised with.
// Never uses a key twice: each order gets a new one.
#pragma once

#include <string>
#include <vector>

namespace acme {

/// A new ECDSA P-256 key as PKCS #8 PEM.
std::string makeCertificateKey();

/// SHA-256 of its public half (SubjectPublicKeyInfo), hex; empty where it is no key.
std::string publicKeySha256(const std::string& keyPem);

/// DER. Without a common name: certificates for names longer than 64 characters exist, and
/// authorities take only the alternative names into account (RFC 8555 section 7.4). Throws
/// Error(Tls) where the key cannot be read.
std::string certificateRequest(const std::string& keyPem, const std::vector<std::string>& names);

}  // namespace acme
