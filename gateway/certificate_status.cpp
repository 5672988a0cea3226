#include "gateway/certificate_status.h"

#include <filesystem>

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

bool isIssued(const Config& config) {
    std::error_code ignored;
    return config.tls.source == Config::Tls::Source::Acme &&
           std::filesystem::exists(Layout(config.data).issuedPair(), ignored);
}

std::filesystem::path fileOf(const Config& config, const Config::Tls& settings) {
    if (settings.source == Config::Tls::Source::Acme) {
        return isIssued(config) ? Layout(config.data).issuedPair()
                                : Layout(config.data).selfSignedCertificate();
    }
    return isSelfSigned(settings) ? Layout(config.data).selfSignedCertificate()
                                  : settings.certificate;
}

std::string renewalReason(const Config::Tls& settings) {
    if (settings.source == Config::Tls::Source::Acme) {
        return "the server orders the next one by ACME while it runs";
    }
    return isSelfSigned(settings)
               ? "the server renews it by itself, " +
                     std::to_string(acme::CertificateStore::kRenewBeforeDays) +
                     " days before its end, with the same key"
               : "whoever made the files renews them; the server takes new ones by itself";
}

json textOrNull(const std::string& text) {
    return text.empty() ? json() : json(printable(text, 2000));
}

json timeOrNull(const std::optional<WallTime>& time) {
    return time ? json(formatTimestamp(*time)) : json();
}

json describeAcme(const acme::RenewerStatus& status) {
    return {{"directory", status.directory},
            {"challenge", status.challenge},
            {"names", status.names},
            {"account", textOrNull(status.account)},
            {"caa", textOrNull(status.caa)},
            {"under_way", status.isUnderWay},
            {"failures", status.failures},
            {"last_attempt", timeOrNull(status.lastAttempt)},
            {"last_error", textOrNull(status.lastError)},
            {"last_advice", textOrNull(status.lastAdvice)}};
}

const char* nameOf(Config::Tls::Source source) {
    return source == Config::Tls::Source::Acme    ? "acme"
           : source == Config::Tls::Source::Files ? "files"
                                                  : "self-signed";
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
    } else if (isIssued(config)) {
        source.certificate = source.key = Layout(config.data).issuedPair();
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
    json answer{{"source", nameOf(state.settings.source)},
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
                {"refused", textOrNull(state.refused)},
                {"acme", nullptr}};
    if (state.acme) {
        answer["acme"] = describeAcme(*state.acme);
        answer["renewal"] =
            timeOrNull(state.acme->plan ? std::optional(state.acme->plan->at) : std::nullopt);
        answer["renewal_reason"] = state.acme->isUnderWay ? "an order is under way"
                                   : state.acme->plan     ? state.acme->plan->why
                                                          : "it is just being planned";
    }
    return answer;
}

HealthSnapshot::Certificate certificateForHealth(const CertificateState& state) {
    HealthSnapshot::Certificate certificate;
    certificate.ends = state.facts.ends;
    certificate.lifetime =
        std::chrono::duration_cast<std::chrono::seconds>(state.facts.ends - state.facts.begins);
    certificate.renewsItself = state.settings.source != Config::Tls::Source::Files;
    if (state.acme && state.acme->failures > 0 && !state.acme->lastError.empty()) {
        certificate.renewalError = state.acme->lastError;
        certificate.renewalAdvice = state.acme->lastAdvice;
    }
    certificate.refused = state.refused;
    return certificate;
}

}  // namespace gateway
