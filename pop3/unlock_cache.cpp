#include "pop3/unlock_cache.h"

#include "crypto/primitives.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace pop3 {

UnlockCache::UnlockCache(std::chrono::seconds keep) : m_keep(keep) {
    gateway::fillRandom(m_key.writable());
}

UnlockCache::Hash UnlockCache::hashOf(const crypto::Password& password) const {
    Hash hash{};
    crypto::hmacSha256(m_key.view(), {gateway::octetsOf(password.view())}, hash);
    return hash;
}

std::shared_ptr<const UnlockedMailbox> UnlockCache::find(
    const std::shared_ptr<const gateway::Mailbox>& mailbox, const crypto::Password& password,
    Time now) {
    const auto found = m_entries.find(mailbox->id);
    if (found == m_entries.end()) {
        return nullptr;
    }
    Entry& entry = found->second;
    // Registry snapshots are immutable: another object means that something may have changed.
    if (entry.mailbox != mailbox || now - entry.lastUse > m_keep) {
        m_entries.erase(found);
        return nullptr;
    }
    if (!crypto::equalInConstantTime(entry.hash, hashOf(password))) {
        return nullptr;
    }
    entry.lastUse = now;
    return entry.opened;
}

void UnlockCache::keep(const std::shared_ptr<const gateway::Mailbox>& mailbox,
                       const crypto::Password& password,
                       std::shared_ptr<const UnlockedMailbox> opened, Time now) {
    if (m_keep.count() == 0) {
        return;
    }
    Entry entry;
    entry.mailbox = mailbox;
    entry.hash = hashOf(password);
    entry.opened = std::move(opened);
    entry.lastUse = now;
    m_entries.insert_or_assign(mailbox->id, std::move(entry));
}

void UnlockCache::sweep(Time now, const FindMailbox& find) {
    std::erase_if(m_entries, [&](const auto& entry) {
        return now - entry.second.lastUse > m_keep || entry.second.mailbox != find(entry.first);
    });
}

}  // namespace pop3
