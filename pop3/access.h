// What a logged-in session has, besides what Session knows: its mailbox for itself, and the keys.
#pragma once

#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "gateway/mail/mailbox_id.h"
#include "pop3/unlocked_mailbox.h"

namespace pop3 {

/// The one hold on a mailbox (SPEC section 3); released when it goes.
class Hold {
public:
    Hold(std::set<gateway::MailboxId>& held, gateway::MailboxId mailbox)
        : m_held(held), m_mailbox(std::move(mailbox)) {
        m_held.insert(m_mailbox);
    }
    ~Hold() { m_held.erase(m_mailbox); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    const gateway::MailboxId& mailbox() const { return m_mailbox; }

private:
    std::set<gateway::MailboxId>& m_held;
    gateway::MailboxId m_mailbox;
};

/// What a logged-in session has: nothing of it outlives the session.
struct Access {
    Access(std::set<gateway::MailboxId>& held, const gateway::MailboxId& id,
           std::shared_ptr<const UnlockedMailbox> opened)
        : hold(held, id), mailbox(std::move(opened)) {}
    Hold hold;
    std::shared_ptr<const UnlockedMailbox> mailbox;
    std::vector<UnlockedMailbox::Stored> messages;
};

}  // namespace pop3
