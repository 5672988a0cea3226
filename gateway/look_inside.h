// A mailbox as commands look inside it: by its files and its password, without the lock and without
// a server, so also in a copy or on a read-only disk. Never writes, never keeps the password.
#pragma once

#include <memory>
#include <string>

#include "crypto/password.h"
#include "gateway/config.h"
#include "gateway/mail/record.h"
#include "pop3/unlocked_mailbox.h"

namespace gateway {

/// The mailbox as its files tell. Whose statements count does not matter here: the password decides
/// what opens. Throws Refusal where there is none.
Mailbox readMailbox(const Config& config, const std::string& address);

/// From POSTERN_PASSWORD, standard input, or the terminal.
crypto::Password askForPasswordOf(const std::string& address);

/// The newest key that the password opens, with all that are chained to it: an earlier password
/// still shows what was sealed under it. Throws Refusal where it opens none.
std::unique_ptr<pop3::UnlockedMailbox> unlock(Mailbox mailbox, const crypto::Password& password);

}  // namespace gateway
