#include "gateway/mail/registry.h"

#include <algorithm>

namespace gateway {

Registry::Registry(Mailboxes mailboxes, std::vector<MailboxId> unreadable,
                   std::vector<Finding> findings, RecordDigests digests)
    : m_mailboxes(std::move(mailboxes)),
      m_unreadable(std::move(unreadable)),
      m_findings(std::move(findings)),
      m_digests(std::move(digests)) {
    std::sort(m_unreadable.begin(), m_unreadable.end());
}

std::shared_ptr<const Mailbox> Registry::find(const MailboxId& id) const {
    const auto found = m_mailboxes.find(id);
    return found == m_mailboxes.end() ? nullptr : found->second;
}

bool Registry::unreadable(const MailboxId& id) const {
    return std::binary_search(m_unreadable.begin(), m_unreadable.end(), id);
}

}  // namespace gateway
