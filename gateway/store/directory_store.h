// Messages as plain files below `mailboxes/`, one each (SPEC section 8, "directory store").
// Never renames over a file, never retries a failed sync, never opens a message to list it.
// Assumes that it is the only process that delivers here (the data directory's lock), and that an
// admin may copy, move and remove files at any time.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "gateway/base/clock.h"
#include "gateway/mail/layout.h"
#include "gateway/store/message_store.h"

namespace gateway {

class DirectoryStore final : public MessageStore {
public:
    /// `now` tells the time that the ages of files are reckoned from.
    explicit DirectoryStore(Layout layout,
                            std::function<WallTime()> now = std::chrono::system_clock::now);
    ~DirectoryStore() override;
    DirectoryStore(const DirectoryStore&) = delete;
    DirectoryStore& operator=(const DirectoryStore&) = delete;

    /// Removes what a crash left behind (temporary names), and syncs what a crash may have left
    /// unsynced, so that nothing listed from now on can vanish. Called once before mail flows;
    /// returns how many left-overs were removed. What it may not touch is logged and left.
    std::size_t sweep();

    std::unique_ptr<Incoming> begin(const Drop& drop, const MessageId& id) override;
    Listing list(const Drop& drop) override;
    std::unique_ptr<Outgoing> open(const Drop& drop, const MessageId& id) override;
    void remove(const Drop& drop, std::span<const MessageId> ids) override;
    std::vector<DeletedMessage> listDeleted(const Drop& drop) override;
    std::unique_ptr<Outgoing> openDeleted(const Drop& drop, const MessageId& id) override;
    Restoration restore(const Drop& drop, const MessageId& id) override;

    /// Told of each message that was unlinked for good.
    using OnPurged = std::function<void(const MailboxId&, const MessageId&)>;
    /// Unlinks messages that were deleted longer than `keep` ago, at most kPurgeBatch of them (on
    /// some file systems one takes milliseconds), and returns how many; a job of its own. Throws
    /// the first Error after it has tried all others.
    std::size_t purge(std::chrono::seconds keep, const OnPurged& onPurged = {});

    struct Purged {
        std::size_t messages = 0;
        std::uint64_t octets = 0;
        WallTime youngest;  ///< when the last of them was deleted
    };
    /// The same for when space is short: unlinks those that were deleted first, however lately,
    /// until `octets` were given back, at most kPurgeBatch. Throws where it could not unlink any.
    Purged purgeOldest(std::uint64_t octets, const OnPurged& onPurged = {});
    static constexpr std::size_t kPurgeBatch = 500;

    struct Shared;  ///< what the store and the messages on their way in have in common

private:
    std::shared_ptr<Shared> m_shared;
};

}  // namespace gateway
