// A certificate, its chain and its key out of one file, as other programs hand them over: PEM, or
// PKCS #12 (RFC 7292), which Windows calls PFX. Never asks anybody for a passphrase.
#pragma once

#include <optional>
#include <string_view>

#include "gateway/net/tls.h"

namespace gateway::net {

/// The pair as PEM without a passphrase, the certificate first and its chain in order behind it, in
/// whatever order the file has them. Nothing where it is sealed and `passphrase` does not open it.
/// Throws Error(Tls) where it is neither, or lacks a certificate, a key, or the one that fits it.
/// The caller wipes the key.
std::optional<CertificateAndKey> readPair(std::string_view octets, std::string_view passphrase);

}  // namespace gateway::net
