// What the daemon gives the page: how its requests are carried out, who may log in, and the table
// of mailboxes. Never lets those who watch cost more than a part of one worker.
#include "gateway/base/error.h"
#include "gateway/daemon.h"
#include "gateway/mailbox_summary.h"
#include "gateway/net/offload.h"

namespace gateway {

namespace {

using nlohmann::json;

json summariesOf(const Registry& registry, MessageStore& store, const MailboxTimes& times,
                 const Elsewhere& elsewhere) {
    const WallTime now = std::chrono::system_clock::now();
    json all = json::array();
    for (const auto& [id, mailbox] : registry.mailboxes()) {
        std::string trouble;
        MailboxCounts counts;
        try {
            counts = countMessages(*mailbox, store);
        } catch (const Error& error) {
            trouble = error.what();
        }
        json row = summaryOf(*mailbox, counts, times);
        addElsewhere(row, elsewhere, now);
        if (!trouble.empty()) {
            row["trouble"] = trouble;
        }
        all.push_back(std::move(row));
    }
    return all;
}

}  // namespace

webui::Engine Daemon::webEngine() {
    webui::Engine engine(m_io.get_executor(), m_disk, m_cpu);
    engine.carryOut = [this](json request) { return carryOutForPage(std::move(request)); };
    engine.admins = [this] { return m_webAccounts.admins(); };
    engine.setupLink = m_webAccounts.link();
    engine.mailboxes = [this] { return m_shownMailboxes.get(); };
    engine.isOurName = [this](const std::string& host) { return isOurName(host); };
    engine.certificateIsOurs = [this] {
        return m_tlsSettings.source == Config::Tls::Source::SelfSigned;
    };
    completeWebEngine(engine);
    engine.sessionIdle = m_config.web.sessionIdle;
    engine.sessionLength = m_config.web.sessionLength;
    return engine;
}

bool Daemon::isOurName(const std::string& host) const {
    return net::isAddress(host) || host == "localhost" || host == m_config.hostname ||
           host == m_config.domain || net::covers(m_tls.current()->facts().names, host);
}

asio::awaitable<json> Daemon::carryOutForPage(json request) {
    json answer = co_await control(std::move(request), Descriptor());
    m_shownStatus.expire();  // who changed something sees it
    m_shownMailboxes.expire();
    co_return answer;
}

asio::awaitable<json> Daemon::mailboxTable() {
    auto list = [this, registry = m_house.registry(), times = m_house.times(),
                 elsewhere = m_twins.waitingElsewhere()] {
        return summariesOf(*registry, m_store, times, elsewhere);
    };
    co_return co_await net::offload(m_disk, std::move(list));
}

asio::awaitable<void> Daemon::watchWebAccounts() {
    auto look = [this] { return m_webAccounts.look(); };
    m_webAccounts.takeOver(co_await net::offload(m_records, look));
}

}  // namespace gateway
