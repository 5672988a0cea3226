// The keys of a mailbox that somebody can open: by its password, an earlier one, the recovery key,
// or a chain. Never keeps a password, never writes anything.
#pragma once

#include <span>
#include <vector>

#include "crypto/keys.h"
#include "crypto/password.h"
#include "gateway/mail/record.h"

namespace gateway {

using OpenKeys = std::vector<crypto::OpenKey>;

/// Whether the key of this recipient is among them.
bool holds(std::span<const crypto::OpenKey> keys, const crypto::SealKey& recipient);

/// Adds what `keys` open through the mailbox's chains, directly and through others, each once
/// (SPEC section 4). Throws Error(Corrupt) where a link holds another key than it says.
void openChain(const Mailbox& mailbox, OpenKeys& keys);

/// What the present password opens: the current key first, then all chained to it. Empty where it
/// is wrong. One scrypt. Throws Error(Corrupt) as crypto::openIdentity().
OpenKeys openWithPassword(const Mailbox& mailbox, const crypto::Password& password);

/// What an earlier password opens of the keys that are not in `known`, with all chained to them.
/// One scrypt for each key tried. A damaged key is passed over, and logged.
OpenKeys openWithEarlier(const Mailbox& mailbox, const crypto::Password& password,
                         std::span<const crypto::OpenKey> known);

/// What a recovery identity opens, with all chained to it. A damaged key is passed over, and
/// logged.
OpenKeys openWithRecovery(const Mailbox& mailbox, const crypto::OpenKey& recovery);

}  // namespace gateway
