// Where sealed messages lie: the one interface of the stores (a directory, later a bucket).
// Sees sealed octets only; never a key, never a password, never plaintext.
// Calls block: they are made on workers, any thread, several at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/mail/drop.h"
#include "gateway/mail/message_id.h"

namespace gateway {

/// A message on its way in. Destroyed before commit() it leaves nothing behind.
class Incoming {
public:
    virtual ~Incoming() = default;
    virtual void append(std::span<const std::byte> sealed) = 0;
    /// Returns once the message would survive a power cut, and is visible to list() only then.
    /// Throws Error (Disk, DiskFull, Permission); then nothing is left.
    virtual void commit() = 0;
    /// Takes a committed message back, as far as possible, because a copy for another mailbox of
    /// the same transaction failed; does not throw.
    virtual void withdraw() noexcept = 0;

protected:
    Incoming() = default;
    Incoming(const Incoming&) = delete;
    Incoming& operator=(const Incoming&) = delete;
};

/// A message on its way out. Stays readable when it is removed meanwhile.
class Outgoing {
public:
    virtual ~Outgoing() = default;
    /// Octets of the sealed file.
    virtual std::uint64_t size() const = 0;
    /// The next octets, at most into.size(); 0 at the end.
    virtual std::size_t read(std::span<std::byte> into) = 0;

protected:
    Outgoing() = default;
    Outgoing(const Outgoing&) = delete;
    Outgoing& operator=(const Outgoing&) = delete;
};

/// What list() says of one message, without opening it.
struct StoredMessage {
    StoredMessage(MessageId messageId, std::uint64_t size, WallTime when = {})
        : id(std::move(messageId)), sealedSize(size), changed(when) {}
    MessageId id;
    std::uint64_t sealedSize;
    WallTime changed;  ///< when the file last became what it is; the epoch where a store has none
};

/// A file that is no message of ours. It is left where it is, reported, and judged again when it
/// changes.
struct LeftOut {
    LeftOut(std::string file, std::string reason) : path(std::move(file)), why(std::move(reason)) {}
    std::string path;
    std::string why;  ///< for an admin, with what to do
};

struct Listing {
    std::vector<StoredMessage> messages;  ///< in order of arrival (of ids)
    std::vector<LeftOut> leftOut;
};

/// A message that was deleted and is kept for a while, without opening it.
struct DeletedMessage {
    DeletedMessage(MessageId messageId, std::uint64_t size, WallTime at)
        : id(std::move(messageId)), sealedSize(size), deleted(at) {}
    MessageId id;
    std::uint64_t sealedSize;
    WallTime deleted;
};

enum class Restoration {
    Restored,
    Waiting,  ///< it was not deleted, or is restored already
    Unknown   ///< there is none of that id: it was never here, or it was purged
};

class MessageStore {
public:
    virtual ~MessageStore() = default;

    /// A new message. The id is the caller's, so that copies for several mailboxes share it.
    virtual std::unique_ptr<Incoming> begin(const Drop& drop, const MessageId& id) = 0;
    /// All messages of a drop; empty where it does not exist yet. Opens no message.
    virtual Listing list(const Drop& drop) = 0;
    /// Nothing where the message is gone.
    virtual std::unique_ptr<Outgoing> open(const Drop& drop, const MessageId& id) = 0;
    /// Deletes, durably: once this returned none of them comes back after a power cut. Ids that are
    /// gone already count as removed. Throws Error where it could not; then all that are left stay.
    virtual void remove(const Drop& drop, std::span<const MessageId> ids) = 0;

    /// The deleted messages of a drop that are still kept, in order of arrival. Opens none.
    virtual std::vector<DeletedMessage> listDeleted(const Drop& drop) = 0;
    /// Nothing where the message is purged or restored.
    virtual std::unique_ptr<Outgoing> openDeleted(const Drop& drop, const MessageId& id) = 0;
    /// Undoes remove() for one message, durably: visible to list() only once it would survive a
    /// power cut, and never over another file. Throws Error where it could not; then all is as it
    /// was.
    virtual Restoration restore(const Drop& drop, const MessageId& id) = 0;

protected:
    MessageStore() = default;
    MessageStore(const MessageStore&) = delete;
    MessageStore& operator=(const MessageStore&) = delete;
};

}  // namespace gateway
