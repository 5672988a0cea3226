// What the daemon gives the page: how its requests are carried out, who may log in, and the table
// of mailboxes. Never lets those who watch cost more than a part of one worker.
#include <algorithm>
#include <arpa/inet.h>
#include <array>

#include "gateway/base/error.h"
#include "gateway/daemon.h"
#include "gateway/mailbox_summary.h"
#include "gateway/net/offload.h"

namespace gateway {

namespace {

using nlohmann::json;

/// How old the table may be that is shown; and how many times what it took to make it.
constexpr std::chrono::milliseconds kFresh{1000};
constexpr int kFreshTimes = 5;

bool isAddress(const std::string& host) {
    std::array<unsigned char, 16> octets{};
    return host.starts_with('[') || ::inet_pton(AF_INET, host.c_str(), octets.data()) == 1;
}

json summariesOf(const Registry& registry, MessageStore& store, const MailboxTimes& times) {
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
    engine.mailboxes = [this] { return mailboxTable(); };
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
    return isAddress(host) || host == "localhost" || host == m_config.hostname ||
           host == m_config.domain || net::covers(m_tls.current()->facts().names, host);
}

asio::awaitable<json> Daemon::carryOutForPage(json request) {
    json answer = co_await control(std::move(request), Descriptor());
    m_mailboxTable.reset();  // who changed something sees it
    co_return answer;
}

/// One at a time, and all who come meanwhile get the same: each reads the folders of all mailboxes.
asio::awaitable<std::shared_ptr<const json>> Daemon::mailboxTable() {
    const net::OneAtATime::Turn turn = co_await m_oneTable.turn();
    const auto begun = std::chrono::steady_clock::now();
    if (m_mailboxTable && m_tableRegistry == m_house.registry() && begun < m_tableFreshUntil) {
        co_return m_mailboxTable;
    }
    auto list = [this, registry = m_house.registry(), times = m_house.times()] {
        return std::make_shared<const json>(summariesOf(*registry, m_store, times));
    };
    auto registry = m_house.registry();
    auto table = co_await net::offload(m_disk, std::move(list));
    const auto cost = std::chrono::steady_clock::now() - begun;
    m_tableFreshUntil =
        begun + cost + std::max<std::chrono::steady_clock::duration>(kFresh, kFreshTimes * cost);
    m_tableRegistry = std::move(registry);
    m_mailboxTable = table;
    co_return table;
}

asio::awaitable<void> Daemon::watchWebAccounts() {
    auto look = [this] { return m_webAccounts.look(); };
    m_webAccounts.takeOver(co_await net::offload(m_records, look));
}

}  // namespace gateway
