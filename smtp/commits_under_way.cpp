#include "smtp/commits_under_way.h"

#include <algorithm>
#include <utility>

#include <asio/redirect_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

namespace smtp {

CommitsUnderWay::Entry::Entry(CommitsUnderWay& all, std::vector<gateway::MailboxId> mailboxes)
    : m_all(all), m_number(all.m_next++) {
    m_all.m_entries.emplace(m_number, std::move(mailboxes));
}

CommitsUnderWay::Entry::~Entry() {
    m_all.m_entries.erase(m_number);
    for (asio::steady_timer* const waiting : m_all.m_waiting) {
        waiting->cancel();
    }
}

bool CommitsUnderWay::anyBefore(std::uint64_t number, const gateway::MailboxId& mailbox) const {
    return std::any_of(m_entries.begin(), m_entries.lower_bound(number), [&](const auto& entry) {
        return std::find(entry.second.begin(), entry.second.end(), mailbox) != entry.second.end();
    });
}

asio::awaitable<void> CommitsUnderWay::ended(gateway::MailboxId mailbox) {
    const std::uint64_t now = m_next;
    asio::steady_timer pause(co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max());
    m_waiting.insert(&pause);
    while (anyBefore(now, mailbox)) {
        asio::error_code cancelled;
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
    }
    m_waiting.erase(&pause);
}

}  // namespace smtp
