// The messages that are being made durable at this moment, by mailbox: whoever takes a key out of
// use waits for those. Never holds a message, never waits for one that began later.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

#include "gateway/mail/mailbox_id.h"

namespace smtp {

/// Belongs to the I/O thread; outlives its entries and whoever waits.
class CommitsUnderWay {
public:
    /// One message, from the look at its keys until it is stored or refused.
    class Entry {
    public:
        Entry(CommitsUnderWay& all, std::vector<gateway::MailboxId> mailboxes);
        ~Entry();
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

    private:
        CommitsUnderWay& m_all;
        std::uint64_t m_number;
    };

    /// Returns when those for this mailbox that are under way now have ended.
    asio::awaitable<void> ended(gateway::MailboxId mailbox);

private:
    bool anyBefore(std::uint64_t number, const gateway::MailboxId& mailbox) const;

    std::map<std::uint64_t, std::vector<gateway::MailboxId>> m_entries;
    std::uint64_t m_next = 0;
    std::set<asio::steady_timer*> m_waiting;
};

}  // namespace smtp
