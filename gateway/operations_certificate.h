// The server's certificate as requests and answers. Never answers with a key.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "gateway/config.h"

namespace gateway {

/// For Operations::perform(), whose contract holds. `operation` begins with "certificate.".
///
/// certificate.status   → certificate (as describeCertificate()): the one that would serve; a
///                        running server answers with the one that does
/// certificate.import   pair (PEM: certificate, chain and key, without a passphrase), user? →
///                        certificate {file, names, issuer, ends, sha256, spki_sha256}. Refused
///                        where the two do not fit, the server could not use them, or clients
///                        would not take them for `hostname`
/// certificate.renew    → as certificate.status; by a running server only, as the next
/// certificate.revoke   reason? (a number of RFC 5280 section 5.3.1) → as certificate.status, of
/// the
///                        one that took its place
nlohmann::json performOnCertificate(const Config& config, std::string_view operation,
                                    nlohmann::json& request);

}  // namespace gateway
