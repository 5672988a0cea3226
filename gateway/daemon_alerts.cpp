// Telling alerts by webhook: what needs attention is looked at again and again, and told one notice
// after another. Never lets a receiver that hangs hold up anything but the next notice.
#include <algorithm>

#include <asio/use_awaitable.hpp>

#include "gateway/alert_webhook.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/random.h"
#include "gateway/daemon.h"
#include "gateway/net/offload.h"

namespace gateway {

namespace {

constexpr std::chrono::seconds kFirstPause{10};
constexpr std::chrono::minutes kLongestPause{15};
constexpr unsigned kMostDoublings = 10;
/// A single failure is nothing that an admin need see.
constexpr unsigned kFailuresToSay = 2;

/// Half of it to all of it: many gateways that lost one receiver shall not come back at one time.
std::chrono::milliseconds jittered(std::chrono::milliseconds longest) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(longest *
                                                                 (0.5 + randomFraction() / 2));
}

}  // namespace

void Daemon::prepareAlerts() {
    if (m_config.alerts.webhook.empty()) {
        return;
    }
    m_alerts = m_keptAlerts = Alerts::load(m_layout);
    m_alertHttp = std::make_unique<net::HttpClient>();
    try {
        static_cast<void>(readWebhookSecret(m_config));
    } catch (const Error& error) {
        log::warning("no alert can be told by webhook", {{"cause", error.what()}});
    }
}

asio::awaitable<void> Daemon::watchAlerts() {
    if (!m_alertHttp) {
        co_return;
    }
    const auto status = co_await m_shownStatus.get();
    m_alerts.look(status->at("warnings"), std::chrono::system_clock::now());
    co_await keepAlerts();
    while (!m_stopping && std::chrono::steady_clock::now() >= m_alertPause) {
        auto notice = m_alerts.next();
        if (!notice) {
            break;
        }
        co_await tellAlert(std::move(*notice));
        co_await keepAlerts();
    }
}

asio::awaitable<void> Daemon::keepAlerts() {
    if (m_alerts.saysTheSame(m_keptAlerts)) {
        co_return;
    }
    auto save = [this, alerts = m_alerts] {
        alerts.save(m_layout);
        return alerts;
    };
    std::string failure;
    try {
        m_keptAlerts = co_await net::offload(m_disk, std::move(save));
    } catch (const Error& error) {
        failure = error.what();  // most likely a disk that is itself among what is to be told
    }
    if (!failure.empty() && failure != m_alertsNotKept) {
        log::error(
            "which alerts were told cannot be kept: they are told, and after a restart again",
            {{"cause", failure}});
    }
    m_alertsNotKept = std::move(failure);
}

asio::awaitable<void> Daemon::tellAlert(Alerts::Notice notice) {
    std::string failure;
    try {
        auto make = [this, &notice] {
            return callOf(m_config, notice, std::chrono::system_clock::now());
        };
        HttpCall call = co_await net::offload(m_disk, make);
        const HttpAnswer answer = co_await m_alertHttp->send(std::move(call));
        if (!wasTaken(answer)) {
            failure = whyNotTaken(answer);
        }
    } catch (const Error& error) {
        failure = error.what();
    }
    if (failure.empty()) {
        m_alerts.told(notice.id);
        log::debug("alert told", {{"id", notice.id}});
        if (m_alertFailures >= kFailuresToSay) {
            log::notice("alerts are told again");
        }
        m_alertFailures = 0;
        m_alertTrouble.reset();
        co_return;
    }
    if (m_stopping) {
        co_return;
    }
    ++m_alertFailures;
    const auto longest = std::min<std::chrono::seconds>(
        kLongestPause, kFirstPause * (1U << std::min(m_alertFailures, kMostDoublings)));
    m_alertPause = std::chrono::steady_clock::now() + jittered(longest);
    const WallTime now = std::chrono::system_clock::now();
    if (m_alertFailures == kFailuresToSay) {
        log::warning("alerts cannot be told by webhook; it is tried again", {{"cause", failure}});
    }
    if (m_alertFailures >= kFailuresToSay) {
        m_alertTrouble =
            HealthSnapshot::Webhook{m_alertTrouble ? m_alertTrouble->since : now, failure};
        tell(webui::Events::Status);
    }
}

}  // namespace gateway
