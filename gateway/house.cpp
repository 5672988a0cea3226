#include "gateway/house.h"

#include <algorithm>

namespace gateway {

smtp::Recipient House::recipient(const MailboxId& mailbox) const {
    using Standing = smtp::Recipient::Standing;
    const std::shared_ptr<const Mailbox> known = m_registry->find(mailbox);
    if (!known) {
        return smtp::Recipient(m_registry->unreadable(mailbox) ? Standing::Unreadable
                                                               : Standing::Unknown);
    }
    if (known->status == MailboxStatus::Deleted) {
        return smtp::Recipient(Standing::Deleted);
    }
    if (known->status == MailboxStatus::Suspended) {
        return smtp::Recipient(Standing::Suspended);
    }
    if (known->current() == nullptr) {
        return smtp::Recipient(Standing::Unreadable);
    }
    return smtp::Recipient(known->current()->recipient);
}

std::shared_ptr<const Mailbox> House::find(const MailboxId& mailbox) const {
    return m_registry->find(mailbox);
}

bool House::keyIsValid(const Drop& drop) const {
    const std::shared_ptr<const Mailbox> known = m_registry->find(drop.mailbox);
    if (!known) {
        return false;
    }
    const std::vector<crypto::SealKey> openable = known->openable();
    return std::find(openable.begin(), openable.end(), drop.recipient) != openable.end();
}

}  // namespace gateway
