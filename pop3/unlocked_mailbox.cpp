#include "pop3/unlocked_mailbox.h"

#include <algorithm>

#include "gateway/base/error.h"

namespace pop3 {

namespace {

using gateway::Error;

/// Sealed octets of one hop to a worker: four chunks, so that a message of ordinary size is one
/// hop.
constexpr std::size_t kReadSize = 4 * (crypto::kChunkSize + crypto::kTagSize);

/// One octet more than a small file has, so that its end is seen in the same go.
std::size_t bufferSize(const gateway::Outgoing* sealed) {
    const std::uint64_t needed = sealed == nullptr ? 0 : sealed->size() + 1;
    return static_cast<std::size_t>(std::min<std::uint64_t>(kReadSize, needed));
}

}  // namespace

std::unique_ptr<UnlockedMailbox> UnlockedMailbox::open(const gateway::Mailbox& mailbox,
                                                       const crypto::Password& password) {
    gateway::OpenKeys keys = gateway::openWithPassword(mailbox, password);
    if (keys.empty()) {
        return nullptr;
    }
    return std::make_unique<UnlockedMailbox>(mailbox.id, std::move(keys));
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
    : MessageReader(store.open(drop, id), key) {
    if (!m_sealed) {
        throw Error(Error::Kind::Disk,
                    "message " + id.str() + " of " + drop.mailbox.str() +
                        " is gone: it was removed by another session or by hand");
    }
}

MessageReader::MessageReader(std::unique_ptr<gateway::Outgoing> sealed, const crypto::OpenKey& key)
    : m_sealed(std::move(sealed)),
      m_opener(key),
      m_size(bufferSize(m_sealed.get())),
      m_buffer(std::make_unique_for_overwrite<std::byte[]>(m_size)) {}

bool MessageReader::next(std::string& plaintext) {
    const std::span<std::byte> buffer(m_buffer.get(), m_size);
    plaintext.reserve(plaintext.size() + m_size);
    std::size_t filled = 0;
    while (filled < m_size) {
        const std::size_t got = m_sealed->read(buffer.subspan(filled));
        if (got == 0) {
            m_opener.open(buffer.first(filled), plaintext);
            m_opener.finish(plaintext);
            return false;
        }
        filled += got;
    }
    m_opener.open(buffer, plaintext);
    return true;
}

}  // namespace pop3
