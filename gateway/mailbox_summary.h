// What waits in a mailbox, counted, and what lists of mailboxes say of it. Opens no message.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/mail/record.h"
#include "gateway/store/message_store.h"
#include "gateway/watch/mailbox_times.h"

namespace gateway {

struct MailboxCounts {
    std::uint64_t messages = 0;  ///< that the present password opens
    std::uint64_t octets = 0;    ///< of those, as POP3 sends them
    std::uint64_t locked = 0;    ///< further ones, that need an earlier password
    std::uint64_t leftOut = 0;   ///< files that are no messages
    std::optional<WallTime> oldest;
    std::optional<WallTime> newest;  ///< locked ones too
};

/// Blocking. Throws Error where a folder cannot be read.
MailboxCounts countMessages(const Mailbox& mailbox, MessageStore& store);

/// {address, name, description, status, created, waiting {messages, octets, oldest}, locked,
/// last_received, last_fetched, elsewhere (empty; a server adds to it, see elsewhere.h)}. A message
/// that waits was received, whatever `times` has lost.
nlohmann::json summaryOf(const Mailbox& mailbox, const MailboxCounts& counts,
                         const MailboxTimes& times);

}  // namespace gateway
