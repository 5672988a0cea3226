// Messages that could not be stored because the machine did not let us: said once for each cause,
// and once when it is over. Never grows beyond kMost causes.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/mail/mailbox_id.h"
#include "gateway/mail/message_id.h"

namespace gateway {

/// Belongs to the I/O thread.
class StoreTrouble {
public:
    /// `cause` is an Error's text. Causes that end alike ("…: No space left on device") are one.
    void failed(const MailboxId& mailbox, const MessageId& id, const std::string& cause,
                WallTime now);
    /// What kept this mailbox's mail out is over.
    void stored(const MailboxId& mailbox);

    struct Entry {
        std::string cause;  ///< of the first one
        MailboxId mailbox;  ///< of the first one
        std::uint64_t messages = 0;
        WallTime since;
        WallTime last;
    };
    /// What is not over, as far as is known.
    std::vector<Entry> entries() const;

private:
    static constexpr std::size_t kMost = 100;

    struct Episode {
        Entry entry;
        std::set<MailboxId> mailboxes;
    };
    std::map<std::string, Episode> m_episodes;  ///< by the end of their causes
};

}  // namespace gateway
