// What a logged-in session has, besides what Session knows: its mailbox for itself, and the keys.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "gateway/mail/mailbox_id.h"
#include "gateway/net/line_stream.h"
#include "pop3/unlocked_mailbox.h"

namespace pop3 {

/// Which connection holds a mailbox.
using Held = std::map<gateway::MailboxId, gateway::net::LineStream*>;

/// The one hold on a mailbox (SPEC section 3); released when it goes.
class Hold {
public:
    Hold(Held& held, gateway::MailboxId mailbox, gateway::net::LineStream& stream)
        : m_held(held), m_mailbox(std::move(mailbox)) {
        m_held.emplace(m_mailbox, &stream);
    }
    ~Hold() { m_held.erase(m_mailbox); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    const gateway::MailboxId& mailbox() const { return m_mailbox; }

private:
    Held& m_held;
    gateway::MailboxId m_mailbox;
};

/// What a logged-in session has: nothing of it outlives the session.
struct Access {
    Access(Held& held, const gateway::MailboxId& id, gateway::net::LineStream& stream,
           std::shared_ptr<const UnlockedMailbox> opened)
        : hold(held, id, stream), mailbox(std::move(opened)) {}
    Hold hold;
    std::shared_ptr<const UnlockedMailbox> mailbox;
    std::vector<UnlockedMailbox::Stored> messages;
};

}  // namespace pop3
