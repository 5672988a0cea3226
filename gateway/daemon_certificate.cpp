// The daemon's certificate: what is taken over while it serves, and what is said of it.
// Never on the I/O thread: files are looked at on a worker.
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/daemon.h"
#include "gateway/net/offload.h"

namespace gateway {

namespace {

constexpr std::size_t kNamed = 8;

std::string namesOf(const net::CertificateFacts& facts) {
    std::string text;
    for (std::size_t i = 0; i < std::min(facts.names.size(), kNamed); ++i) {
        text += (i > 0 ? " " : "") + facts.names[i];
    }
    return text;
}

}  // namespace

std::shared_ptr<const net::TlsContext> Daemon::loadCertificate(const Config& config) {
    std::shared_ptr<const net::TlsContext> context;
    acme::CertificateSource source = certificateSource(config);
    try {
        context = m_certificateWatch.load(source);
    } catch (const Error& error) {
        if (source.isSelfSigned()) {
            throw;
        }
        if (config.tls.source == Config::Tls::Source::Acme) {
            log::error(
                "the certificate of the authority cannot be used; a self-signed one serves until "
                "there is another",
                {{"cause", error.what()}});
            source.certificate.clear();
            return m_certificateWatch.load(source);
        }
        const bool imported = config.tls.certificate == m_layout.importedPair();
        throw Error(error.kind(), config.where(imported ? "tls.source" : "tls.certificate") + ": " +
                                      error.what() +
                                      (imported ? "; `postern certificate import FILE` puts a "
                                                  "certificate there"
                                                : ""));
    }
    const std::string fault =
        acme::faultOf(context->facts(), config.hostname, std::chrono::system_clock::now());
    if (!fault.empty()) {
        log::warning("clients that check the certificate will not take it", {{"cause", fault}});
    }
    return context;
}

asio::awaitable<void> Daemon::watchCertificate() {
    auto look = [this, inUse = m_tls.current()] {
        return m_certificateWatch.look(inUse->facts(), std::chrono::system_clock::now());
    };
    const acme::CertificateWatch::Look seen = co_await net::offload(m_slow, std::move(look));
    m_certificateRefused = seen.refused;
    if (seen.news) {
        tell(webui::Events::Status);
        log::error("a new certificate is refused, and the one in use stays",
                   {{"cause", seen.refused}});
    }
    if (seen.fresh) {
        m_tls.replace(seen.fresh);
        tell(webui::Events::Status);
        const net::CertificateFacts& facts = seen.fresh->facts();
        log::notice("a new certificate is in use", {{"names", namesOf(facts)},
                                                    {"issuer", facts.issuer},
                                                    {"ends", formatTimestamp(facts.ends)},
                                                    {"spki_sha256", facts.publicKeySha256}});
    }
    sayWhenCertificateEnds();
}

void Daemon::sayWhenCertificateEnds() {
    const HealthSnapshot::Certificate certificate = certificateForHealth(certificateState());
    const CertificateStage stage = certificateStage(certificate, m_config.alerts.certificate,
                                                    std::chrono::system_clock::now());
    if (stage == std::exchange(m_certificateSaid, stage) || stage == CertificateStage::Fine) {
        return;
    }
    tell(webui::Events::Status);
    const std::string ends = formatTimestamp(certificate.ends);
    if (stage == CertificateStage::Over) {
        log::error(
            "the certificate has ended: senders and archivers that check it stay away; mail goes "
            "on with it for all others",
            {{"ended", ends}});
    } else if (stage == CertificateStage::Critical) {
        log::error("the certificate is about to end; `postern status` says what to do",
                   {{"ends", ends}});
    } else {
        log::warning("the certificate ends soon; `postern status` says what to do",
                     {{"ends", ends}});
    }
}

CertificateState Daemon::certificateState() const {
    return {m_tlsSettings, m_tls.current()->facts(), m_certificateRefused,
            m_renewer ? std::optional(m_renewer->status()) : std::nullopt};
}

nlohmann::json Daemon::certificateStatus() const {
    nlohmann::json answer{{"ok", true}};
    answer["certificate"] =
        describeCertificate(m_config, certificateState(), std::chrono::system_clock::now());
    return answer;
}

}  // namespace gateway
