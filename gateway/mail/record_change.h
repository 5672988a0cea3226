// What changes for a mailbox when statements are added to its record, in words: the preview and the
// report of an import. Pure functions; never a secret in them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gateway/mail/record.h"

namespace gateway {

/// One mailbox before and after.
struct RecordChange {
    explicit RecordChange(MailboxId id) : mailbox(std::move(id)) {}
    MailboxId mailbox;
    std::shared_ptr<const Mailbox> before;  ///< nothing where this node did not know it
    std::shared_ptr<const Mailbox>
        after;                 ///< nothing where no statement counts, or none names a key
    std::size_t added = 0;     ///< statements
    std::size_t heldBack = 0;  ///< of nodes that are not trusted

    /// Sentences without a full stop; what can lock messages comes first. Empty where all of it is
    /// known already.
    std::vector<std::string> describe() const;
};

}  // namespace gateway
