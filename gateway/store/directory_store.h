// Messages as plain files below `mailboxes/`, one each (SPEC section 8, "directory store").
// Never renames over a file, never retries a failed sync, never opens a message to list it.
#pragma once

#include <chrono>
#include <memory>

#include "gateway/mail/layout.h"
#include "gateway/store/message_store.h"

namespace gateway {

class DirectoryStore final : public MessageStore {
public:
    explicit DirectoryStore(Layout layout);
    ~DirectoryStore() override;

    /// Removes what a crash left behind (temporary names), and syncs what a crash may have left
    /// unsynced, so that nothing listed from now on can vanish. Called once before mail flows;
    /// returns how many left-overs were removed.
    std::size_t sweep();

    std::unique_ptr<Incoming> begin(const Drop& drop, const MessageId& id) override;
    Listing list(const Drop& drop) override;
    std::unique_ptr<Outgoing> open(const Drop& drop, const MessageId& id) override;
    void remove(const Drop& drop, std::span<const MessageId> ids) override;

    /// Unlinks deleted messages older than `keep`; a job of its own, slow on purpose.
    std::size_t purge(std::chrono::seconds keep);

private:
    struct Shared;
    std::shared_ptr<Shared> m_shared;
};

}  // namespace gateway
