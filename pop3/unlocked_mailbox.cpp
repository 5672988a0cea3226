#include "pop3/unlocked_mailbox.h"

#include <algorithm>

#include "crypto/sealed_text.h"
#include "gateway/base/error.h"

namespace pop3 {

namespace {

using gateway::Error;

/// Sealed octets of one hop to a worker: four chunks, so that a message of ordinary size is one
/// hop.
constexpr std::size_t kReadSize = 4 * (crypto::kChunkSize + crypto::kTagSize);

}  // namespace

UnlockedMailbox::UnlockedMailbox(gateway::MailboxId mailbox, crypto::OpenKey current)
    : m_mailbox(std::move(mailbox)) {
    m_keys.push_back(std::move(current));
}

std::unique_ptr<UnlockedMailbox> UnlockedMailbox::open(const gateway::Mailbox& mailbox,
                                                       const crypto::Password& password) {
    const gateway::MailboxKey* const current = mailbox.current();
    if (current == nullptr) {
        throw Error(Error::Kind::Corrupt, "mailbox " + mailbox.id.str() + " has no key");
    }
    auto identity = crypto::openIdentity(current->sealedIdentity, mailbox.id.str(),
                                         current->recipient, password);
    if (!identity) {
        return nullptr;
    }
    auto unlocked = std::make_unique<UnlockedMailbox>(mailbox.id, std::move(*identity));
    unlocked->openChain(mailbox);
    return unlocked;
}

/// Each opened key may open older ones (SPEC section 4, "chain"); each is opened once.
void UnlockedMailbox::openChain(const gateway::Mailbox& mailbox) {
    for (std::size_t at = 0; at < m_keys.size(); ++at) {
        const auto known = std::find_if(
            mailbox.keys.begin(), mailbox.keys.end(),
            [&](const gateway::MailboxKey& key) { return key.recipient == m_keys[at].sealKey(); });
        if (known == mailbox.keys.end()) {
            continue;
        }
        for (const gateway::ChainLink& link : known->chain) {
            const bool opened = std::any_of(
                m_keys.begin(), m_keys.end(),
                [&](const crypto::OpenKey& key) { return key.sealKey() == link.recipient; });
            if (opened) {
                continue;
            }
            auto older =
                crypto::openIdentity(link.sealed, mailbox.id.str(), link.recipient, m_keys[at]);
            if (older) {
                m_keys.push_back(std::move(*older));
            }
        }
    }
}

gateway::Drop UnlockedMailbox::drop(const Stored& stored) const {
    return {m_mailbox, m_keys[stored.key].sealKey()};
}

std::vector<UnlockedMailbox::Stored> UnlockedMailbox::list(
    gateway::MessageStore& store, std::vector<gateway::LeftOut>& leftOut) const {
    std::vector<Stored> all;
    for (std::size_t at = 0; at < m_keys.size(); ++at) {
        gateway::Listing listing = store.list({m_mailbox, m_keys[at].sealKey()});
        all.reserve(all.size() + listing.messages.size());
        for (gateway::StoredMessage& message : listing.messages) {
            all.emplace_back(at, std::move(message));
        }
        std::move(listing.leftOut.begin(), listing.leftOut.end(), std::back_inserter(leftOut));
    }
    if (m_keys.size() > 1) {
        std::sort(all.begin(), all.end(), [](const Stored& left, const Stored& right) {
            return left.message.id < right.message.id;
        });
    }
    return all;
}

MessageReader::MessageReader(gateway::MessageStore& store, const gateway::Drop& drop,
                             const gateway::MessageId& id, const crypto::OpenKey& key)
    : m_sealed(store.open(drop, id)), m_opener(key), m_buffer(kReadSize) {
    if (!m_sealed) {
        throw Error(Error::Kind::Disk,
                    "message " + id.str() + " of " + drop.mailbox.str() +
                        " is gone: it was removed by another session or by hand");
    }
}

bool MessageReader::next(std::string& plaintext) {
    std::size_t filled = 0;
    while (filled < m_buffer.size()) {
        const std::size_t got = m_sealed->read(std::span(m_buffer).subspan(filled));
        if (got == 0) {
            m_opener.open(std::span(m_buffer).first(filled), plaintext);
            m_opener.finish(plaintext);
            return false;
        }
        filled += got;
    }
    m_opener.open(m_buffer, plaintext);
    return true;
}

}  // namespace pop3
