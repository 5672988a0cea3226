// The mailbox and node that fuzzed records are about. Never random.
#pragma once

#include "gateway/mail/record.h"

namespace fuzz {

inline const gateway::MailboxId& mailbox() {
    static const auto kMailbox = *gateway::MailboxId::parse("mbx-0123456789abcdef0123456789abcdef");
    return kMailbox;
}

inline const gateway::NodeId& node() {
    static const auto kNode = *gateway::NodeId::parse("n-0123456789abcdef0123456789abcdef");
    return kNode;
}

}  // namespace fuzz
