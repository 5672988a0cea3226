// What is told of the server's certificate: by `postern certificate status`, by `postern status`
// and by the page. Never changes anything.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "acme/certificate_store.h"
#include "acme/renewer.h"
#include "gateway/base/clock.h"
#include "gateway/config.h"
#include "gateway/net/tls.h"
#include "gateway/watch/health.h"

namespace gateway {

/// The certificate in use, or the one that would be.
struct CertificateState {
    Config::Tls settings;  ///< as they are in force: a reload may have changed them
    net::CertificateFacts facts;
    std::string refused;  ///< why what the files hold now is not used
    /// Where the running server gets it from an authority.
    std::optional<acme::RenewerStatus> acme = {};
};

/// Where the certificate comes from, and which names it must have.
acme::CertificateSource certificateSource(const Config& config);

/// The certificate as its files hold it. Throws Error where it cannot be read.
CertificateState certificateOnDisk(const Config& config);

/// source (self-signed | files | acme), file, names, issuer, begins, ends, days_left, renewal (a
/// time, or null), renewal_reason (a sentence), sha256, spki_sha256, refused (a sentence, or null),
/// acme (null, or {directory, challenge, names, account, caa, under_way, failures, last_attempt,
/// last_error, last_advice}; what is not known is null)
nlohmann::json describeCertificate(const Config& config, const CertificateState& state,
                                   WallTime now);

/// The same for what judges health.
HealthSnapshot::Certificate certificateForHealth(const CertificateState& state);

}  // namespace gateway
