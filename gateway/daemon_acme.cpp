// The daemon's side of ACME: what looks after an authority's certificate, and the requests about
// it. Never on the I/O thread: the certificate is loaded on a worker.
#include <algorithm>

#include "acme/problem.h"
#include "gateway/answer.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/daemon.h"
#include "gateway/exit_code.h"
#include "gateway/net/offload.h"

namespace gateway {

namespace {

acme::RenewerOptions renewerOptions(const Config& config) {
    acme::RenewerOptions options;
    options.directory = config.acme.directory;
    options.contact = config.acme.contact;
    options.hostname = config.hostname;
    options.domain = config.domain;
    options.names = config.acme.names;
    options.challenge = acme::parseChallengeType(config.acme.challenge).value();
    options.profile = config.acme.profile;
    options.hook = config.acme.hook;
    options.bindingKeyId = config.acme.eabKeyId;
    options.bindingKeyFile = config.acme.eabHmacKeyFile;
    options.caFile = config.acme.caFile;
    options.minimumTls = config.tls.minimum;
    return options;
}

}  // namespace

void Daemon::prepareAcme() {
    if (m_config.tls.source != Config::Tls::Source::Acme) {
        return;
    }
    auto send = [this](HttpCall asked) { return call(std::move(asked)); };
    auto use = [this](std::shared_ptr<const net::TlsContext> issued) {
        return useIssued(std::move(issued));
    };
    m_renewer = std::make_unique<acme::Renewer>(m_io.get_executor(), m_layout.acme(),
                                                renewerOptions(m_config), m_challenges, send, use);
    m_renewer->onChange([this] { tell(webui::Events::Status); });
    m_renewer->announceBy(
        [this](std::vector<acme::Proof> proofs) { return announceChallenges(std::move(proofs)); });
}

/// Names that this node alone has lead to no twin.
asio::awaitable<void> Daemon::announceChallenges(std::vector<acme::Proof> proofs) {
    std::vector<replica::SharedChallenge> shared;
    for (acme::Proof& proof : proofs) {
        if (!equalsIgnoringCase(proof.name, m_config.hostname) &&
            shared.size() < replica::ChallengeOffer::kMostChallenges) {
            shared.push_back({m_config.acme.challenge, lowered(proof.name), std::move(proof.token),
                              std::move(proof.keyAuthorization)});
        }
    }
    co_await m_twins.announce(std::move(shared));
}

/// Only for names that are ours too, and never for the one that is ours alone: so no twin, whoever
/// has got hold of it, gets a certificate by which it could pose as this node.
void Daemon::showChallenges(const std::vector<replica::ChallengeShelf::Held>& held) {
    const auto isShared = [this](const std::string& name) {
        const auto isIt = [&name](const std::string& ours) {
            return equalsIgnoringCase(ours, name);
        };
        return !isIt(m_config.hostname) &&
               (isIt(m_config.domain) ||
                std::any_of(m_config.acme.names.begin(), m_config.acme.names.end(), isIt));
    };
    std::vector<acme::Challenges::Borrowed> shown;
    for (const auto& [challenge, expires] : held) {
        if (!isShared(challenge.name)) {
            continue;
        }
        if (challenge.type == acme::nameOf(acme::ChallengeType::Http01)) {
            shown.push_back(
                {challenge.name, challenge.token, challenge.keyAuthorization, nullptr, expires});
        } else if (m_config.acme.challenge == challenge.type) {  // only then it listens for it
            shown.push_back({challenge.name, "", "",
                             acme::makeTlsAlpnContext(challenge.name, challenge.keyAuthorization),
                             expires});
        }
    }
    m_challenges.borrow(std::move(shown));
}

void Daemon::stopAcme() {
    if (m_renewer) {
        m_renewer->stop();
    }
}

asio::awaitable<void> Daemon::useIssued(std::shared_ptr<const net::TlsContext> issued) {
    if (m_tlsSettings.source != Config::Tls::Source::Acme) {
        co_return;  // a reload chose another source, whose files are watched
    }
    // What watches the files follows this one from here on.
    auto load = [this] { return m_certificateWatch.load(certificateSource(m_config)); };
    co_await net::offload(m_slow, load);
    if (m_tlsSettings.source == Config::Tls::Source::Acme) {
        m_tls.replace(std::move(issued));
        m_certificateRefused.clear();
    }
}

asio::awaitable<nlohmann::json> Daemon::certificateRequest(nlohmann::json request) {
    const bool revokes = request.value("operation", nlohmann::json()) == "certificate.revoke";
    std::optional<acme::Failure> failure;
    std::string trouble;
    if (!m_renewer) {
        trouble =
            "the certificate is of no authority that is asked by ACME: tls.source is not "
            "\"acme\" in " +
            m_config.file.native();
    } else {
        try {
            // No ?: here, in whose branches g++ 12 cannot await.
            if (revokes) {
                const auto reason = request.value("reason", nlohmann::json());
                failure =
                    co_await m_renewer->revoke(reason.is_number_integer() ? reason.get<int>() : 0);
            } else {
                failure = co_await m_renewer->renewNow();
            }
        } catch (const std::exception& error) {
            trouble = error.what();
        }
    }
    if (failure) {
        trouble = failure->text + (failure->advice.empty() ? "" : "; " + failure->advice);
    }
    if (!trouble.empty()) {
        co_return answerOf([&]() -> nlohmann::json {
            throw Refusal(m_renewer ? EX_TEMPFAIL : EX_CONFIG, trouble);
        });
    }
    co_return certificateStatus();
}

}  // namespace gateway
