// Keys kept open for a while after their last use (`pop3.unlock_cache`, off by default).
// Never keeps a password: only its keyed hash, under a key that lives as long as the process.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>

#include "crypto/password.h"
#include "crypto/secret.h"
#include "gateway/mail/record.h"
#include "pop3/unlocked_mailbox.h"

namespace pop3 {

/// Belongs to the I/O thread. A wrong password is only ever answered after the full work, so the
/// cache tells nobody more than the right password would.
class UnlockCache {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// `keep` of zero: off, nothing is ever kept.
    explicit UnlockCache(std::chrono::seconds keep);

    /// The opened mailbox where this password opened it before and its record is the same still.
    std::shared_ptr<const UnlockedMailbox> find(
        const std::shared_ptr<const gateway::Mailbox>& mailbox, const crypto::Password& password,
        Time now);
    void keep(const std::shared_ptr<const gateway::Mailbox>& mailbox,
              const crypto::Password& password, std::shared_ptr<const UnlockedMailbox> opened,
              Time now);
    using FindMailbox =
        std::function<std::shared_ptr<const gateway::Mailbox>(const gateway::MailboxId&)>;
    /// Drops what was not used for the time to keep, and whose record is not the same any more:
    /// keys that were replaced leave the memory though nobody logs in. Called every few seconds.
    void sweep(Time now, const FindMailbox& find);
    std::size_t size() const { return m_entries.size(); }

private:
    using Hash = std::array<std::byte, 32>;
    struct Entry {
        std::shared_ptr<const gateway::Mailbox> mailbox;  ///< as it was when it was opened
        Hash hash{};
        std::shared_ptr<const UnlockedMailbox> opened;
        Time lastUse;
    };
    Hash hashOf(const crypto::Password& password) const;

    std::chrono::seconds m_keep;
    crypto::Secret<32> m_key;
    std::map<gateway::MailboxId, Entry> m_entries;
};

}  // namespace pop3
