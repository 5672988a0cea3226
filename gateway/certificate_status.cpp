#include "gateway/certificate_status.h"

#include "gateway/base/durable_file.h"
#include "gateway/base/text.h"
#include "gateway/mail/layout.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::size_t kLargestPem = 1U << 20U;

bool isSelfSigned(const Config::Tls& settings) {
    return settings.source == Config::Tls::Source::SelfSigned;
}

std::filesystem::path fileOf(const Config& config, const Config::Tls& settings) {
    return isSelfSigned(settings) ? Layout(config.data).selfSignedCertificate()
                                  : settings.certificate;
}

std::string renewalReason(const Config::Tls& settings) {
    return isSelfSigned(settings)
               ? "the server renews it by itself, " +
                     std::to_string(acme::CertificateStore::kRenewBeforeDays) +
                     " days before its end, with the same key"
               : "whoever made the files renews them; the server takes new ones by itself";
}

json textOrNull(const std::string& text) {
    return text.empty() ? json() : json(printable(text, 2000));
}

}  // namespace

acme::CertificateSource certificateSource(const Config& config) {
    acme::CertificateSource source;
    source.names.push_back(config.hostname);
    if (config.domain != config.hostname) {
        source.names.push_back(config.domain);
    }
    if (config.tls.source == Config::Tls::Source::Files) {
        source.certificate = config.tls.certificate;
        source.key = config.tls.key;
    }
    return source;
}

CertificateState certificateOnDisk(const Config& config) {
    CertificateState state;
    state.settings = config.tls;
    state.facts = net::certificateFacts(readWhole(fileOf(config, config.tls), kLargestPem));
    return state;
}

json describeCertificate(const Config& config, const CertificateState& state, WallTime now) {
    const net::CertificateFacts& facts = state.facts;
    const auto renewal =
        facts.ends - std::chrono::hours(24 * acme::CertificateStore::kRenewBeforeDays);
    json names = json::array();
    for (const std::string& name : facts.names) {
        names.push_back(printable(name));
    }
    const bool selfSigned = isSelfSigned(state.settings);
    return {{"source", selfSigned ? "self-signed" : "files"},
            {"file", fileOf(config, state.settings).native()},
            {"names", std::move(names)},
            {"issuer", printable(facts.issuer)},
            {"begins", formatTimestamp(facts.begins)},
            {"ends", formatTimestamp(facts.ends)},
            {"days_left", std::chrono::floor<std::chrono::days>(facts.ends - now).count()},
            {"renewal", selfSigned ? json(formatTimestamp(renewal)) : json()},
            {"renewal_reason", renewalReason(state.settings)},
            {"sha256", facts.sha256},
            {"spki_sha256", facts.publicKeySha256},
            {"refused", textOrNull(state.refused)}};
}

HealthSnapshot::Certificate certificateForHealth(const CertificateState& state) {
    HealthSnapshot::Certificate certificate;
    certificate.ends = state.facts.ends;
    certificate.lifetime =
        std::chrono::duration_cast<std::chrono::seconds>(state.facts.ends - state.facts.begins);
    certificate.renewsItself = isSelfSigned(state.settings);
    certificate.refused = state.refused;
    return certificate;
}

}  // namespace gateway
