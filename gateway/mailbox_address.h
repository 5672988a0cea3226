// A mailbox address as an admin types it. Never decides whether there is such a mailbox.
#pragma once

#include <string>

#include "gateway/mail/mailbox_id.h"

namespace gateway {

/// "mbx-…" or "mbx-…@domain", any case. Throws Refusal where it is none, or in another domain.
MailboxId mailboxIdOf(const std::string& address, const std::string& domain);

}  // namespace gateway
