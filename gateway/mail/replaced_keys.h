// What a union makes lose: two nodes gave a mailbox a new password at once, and only one of them
// counts (SPEC section 6). Pure functions of the folded state.
#pragma once

#include <string>
#include <vector>

#include "gateway/mail/record.h"

namespace gateway {

/// A key whose password was valid on the node that made it, until that node heard of another's.
struct ReplacedKey {
    ReplacedKey(const MailboxKey& lostKey, const MailboxKey& winningKey)
        : lost(&lostKey), winner(&winningKey) {}
    const MailboxKey* lost;
    const MailboxKey* winner;  ///< of the same epoch
};

/// Of each epoch that has several keys, those that the present password does not open and that
/// another node's took the place of; pointers into `mailbox`. With those that were acknowledged.
std::vector<ReplacedKey> replacedKeys(const Mailbox& mailbox);

/// "the password set on msgw2 at 2026-11-22T10:02:00Z was replaced by the one set on msgw1 at …".
std::string describe(const ReplacedKey& replaced);

}  // namespace gateway
