// What waits here, counted for the twins: soon after it changed, and all of it every minute.
// Never without a twin, and never so often that counting would be more than a small part of what a
// worker does.
#include "gateway/base/error.h"
#include "gateway/daemon.h"
#include "gateway/mailbox_summary.h"
#include "gateway/net/offload.h"

namespace gateway {

namespace {

using Clock = std::chrono::steady_clock;
using Counted = std::vector<std::pair<MailboxId, replica::Waiting>>;

constexpr std::chrono::seconds kLeastPause{5};
constexpr std::chrono::minutes kAll{1};
/// The pause after a count is at least so many times as long as it took.
constexpr int kShare = 20;

Counted countedIn(const std::vector<std::shared_ptr<const Mailbox>>& due, MessageStore& store,
                  const MailboxTimes& times) {
    Counted counted;
    for (const auto& mailbox : due) {
        try {
            const MailboxCounts counts = countMessages(*mailbox, store);
            counted.emplace_back(mailbox->id, replica::Waiting{counts.messages, counts.oldest,
                                                               times.of(mailbox->id).fetched});
        } catch (const Error&) {
            continue;  // status says so
        }
    }
    return counted;
}

}  // namespace

asio::awaitable<void> Daemon::watchWaiting() {
    const auto begun = Clock::now();
    if (begun < m_waitingPause || !m_twins.tellsWaiting()) {
        co_return;
    }
    const bool all = begun >= m_allWaitingDue;
    MailboxTimes times = m_house.times();
    std::vector<std::shared_ptr<const Mailbox>> due;
    for (const auto& [id, mailbox] : m_house.registry()->mailboxes()) {
        if (all || m_waitingDue.contains(id) || times.of(id) != m_waitingTimes.of(id)) {
            due.push_back(mailbox);
        }
    }
    m_waitingDue.clear();
    m_waitingTimes = times;
    if (due.empty()) {
        co_return;
    }
    auto count = [this, due = std::move(due), times = std::move(times)] {
        return countedIn(due, m_store, times);
    };
    const Counted counted = co_await net::offload(m_disk, std::move(count));
    const auto ended = Clock::now();
    m_waitingPause = ended + std::max<Clock::duration>(kLeastPause, kShare * (ended - begun));
    m_allWaitingDue = all ? ended + kAll : m_allWaitingDue;
    m_twins.setWaiting(counted);
}

}  // namespace gateway
