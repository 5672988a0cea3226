// Where a message is put: one mailbox, one of its keys.
#pragma once

#include <compare>

#include "crypto/keys.h"
#include "gateway/mail/mailbox_id.h"

namespace gateway {

/// Names the folder (or object prefix) `mailboxes/<mailbox>/<recipient>/`; what lies in it is
/// sealed to that recipient.
struct Drop {
    Drop(MailboxId id, crypto::SealKey key) : mailbox(std::move(id)), recipient(std::move(key)) {}
    MailboxId mailbox;
    crypto::SealKey recipient;
    auto operator<=>(const Drop&) const = default;
};

}  // namespace gateway
