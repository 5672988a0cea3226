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
    std::shared_ptr<const Allow> pins;
    if (known->allow.pins()) {
        pins = {known, &known->allow};
    }
    return smtp::Recipient(known->current()->recipient, std::move(pins));
}

void House::setRegistry(std::shared_ptr<const Registry> registry) {
    m_registry = std::move(registry);
    const auto& mailboxes = m_registry->mailboxes();
    m_asksForCertificate = std::any_of(mailboxes.begin(), mailboxes.end(), [](const auto& entry) {
        return entry.second->status != MailboxStatus::Deleted &&
               entry.second->allow.tls == Allow::Tls::Certificate;
    });
}

void House::onTurnedAway(const smtp::TurnedAway& event) {
    m_turnedAway.add(event, std::chrono::system_clock::now());
    m_tell(Event::Trouble);
}

void House::onStored(const MailboxId& mailbox) {
    const WallTime now = std::chrono::system_clock::now();
    m_times.received(mailbox, now);
    m_arrivals.received(mailbox, now);
    m_history.received(now);
    ++m_traffic[mailbox].received;
    m_storeTrouble.stored(mailbox);
    m_tell(Event::Traffic);
}

void House::onNotStored(const MailboxId& mailbox, const MessageId& id, const std::string& cause) {
    m_storeTrouble.failed(mailbox, id, cause, std::chrono::system_clock::now());
    m_tell(Event::Trouble);
}

void House::onFetched(const MailboxId& mailbox) {
    const WallTime now = std::chrono::system_clock::now();
    m_times.fetched(mailbox, now);
    m_history.fetched(now);
    ++m_traffic[mailbox].fetched;
    m_tell(Event::Traffic);
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
