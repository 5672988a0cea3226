// The record files of the mailboxes as they lie on disk, read one by one for commands that only
// look. Never unites, never writes one back; that is the RegistryKeeper's.
#pragma once

#include <string>
#include <vector>

#include "gateway/mail/layout.h"
#include "gateway/mail/record.h"
#include "gateway/mail/registry.h"

namespace gateway {

/// The mailboxes that have a record folder in config/ or in node/'s copy, sorted.
std::vector<MailboxId> recordedMailboxes(const Layout& layout);

/// All statements about one mailbox that can be read, from both places; `findings` gets what is
/// wrong with the others. Blocking.
Record readRecord(const Layout& layout, const MailboxId& mailbox, std::vector<Finding>& findings);

/// Whose statements the node of this data directory lets count. Everybody's where it has no
/// mailbox and trusts nobody yet: it will take what it finds. Throws Error where node/ is damaged.
Trusts trustedHere(const Layout& layout);

}  // namespace gateway
