// What the daemon tells of itself, and the counters it keeps over a restart.
// Never lets an answer wait for the lane of records: who asks whether all is well asks when it is
// not.
#include <tuple>

#include <asio/use_awaitable.hpp>

#include "crypto/secret.h"
#include "gateway/base/log.h"
#include "gateway/daemon.h"
#include "gateway/net/offload.h"

namespace gateway {

namespace {

/// What a session's key takes of locked memory, a page.
constexpr std::size_t kOctetsOfKey = 4096;

}  // namespace

bool Daemon::canLockMemory() {
    const bool can = crypto::memoryLocked(kMostPop3Sessions * kOctetsOfKey);
    if (!can) {
        log::warning(
            "memory cannot be locked: keys of open sessions may reach the swap; raise "
            "LimitMEMLOCK (the unit has 64M)");
    }
    return can;
}

asio::awaitable<nlohmann::json> Daemon::status() {
    ServerFacts facts;
    facts.started = m_started;
    facts.smtpSessions = m_smtp.connections();
    facts.pop3Sessions = m_pop3.connections();
    facts.certificate = certificateState();
    facts.diskShortSince = m_roomShortSince;
    facts.diskProjected = m_diskTrend.reaches(m_config.store.minFree);
    facts.turnedAway = m_house.turnedAway().entries();
    facts.twins = m_twins.report();
    facts.elsewhere = m_twins.waitingElsewhere();
    facts.storeTrouble = m_house.storeTrouble().entries();
    facts.webhook = m_alertTrouble;
    facts.receipts = receiptTrouble();
    facts.memoryLocked = m_memoryLocked;
    auto describe = [this, facts = std::move(facts), registry = m_house.registry(),
                     times = m_house.times(), drain = m_house.drain(),
                     arrivals = m_house.arrivals()] {
        nlohmann::json answer = describeStatus(
            {m_config, *registry, m_store, times, &facts, drain, hasTwin(m_config), &arrivals},
            std::chrono::system_clock::now());
        answer["ok"] = true;
        return answer;
    };
    co_return co_await net::offload(m_disk, std::move(describe));
}

void Daemon::loadTimes() {
    m_keptTimes = MailboxTimes::load(m_layout);
    m_house.setTimes(m_keptTimes);
    m_keptHistory = TrafficHistory::load(m_layout);
    m_house.setHistory(m_keptHistory);
    m_keptArrivals = ArrivalHours::load(m_layout);
    m_house.setArrivals(m_keptArrivals);
}

asio::awaitable<void> Daemon::keepTimes() {
    if (m_house.arrivals() != m_keptArrivals) {  // once an hour, and larger than the others
        auto save = [this, arrivals = m_house.arrivals()] {
            arrivals.save(m_layout);
            return arrivals;
        };
        m_keptArrivals = co_await net::offload(m_disk, std::move(save));
    }
    if (m_house.times() == m_keptTimes && m_house.history() == m_keptHistory) {
        co_return;
    }
    auto save = [this, times = m_house.times(), history = m_house.history()] {
        times.save(m_layout);
        history.save(m_layout);
        return std::pair(times, history);
    };
    std::tie(m_keptTimes, m_keptHistory) = co_await net::offload(m_disk, std::move(save));
}

}  // namespace gateway
