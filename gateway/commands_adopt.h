// `postern mailbox create --from`: many mailboxes at once, by a table.
// Never makes one before the whole table was found good.
#pragma once

#include <string>

#include "gateway/config.h"

namespace gateway {

/// `file` is opened with the rights of whoever typed its name; "-" is standard input. Returns an
/// exit code; throws Refusal or Error.
int createMailboxesFrom(const Config& config, const std::string& file, bool asJson);

}  // namespace gateway
