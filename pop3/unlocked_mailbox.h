// A mailbox whose password was given: its opened keys, and what waits under them.
// The one place where POP3 meets keys and files; all of it blocks, for workers.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/age_stream.h"
#include "crypto/keys.h"
#include "crypto/password.h"
#include "gateway/mail/opened_keys.h"
#include "gateway/store/message_store.h"
#include "pop3/maildrop.h"

namespace pop3 {

/// The opened keys of a mailbox: the current one, and the older ones chained to it.
class UnlockedMailbox {
public:
    /// One scrypt. Nothing where the password is wrong. Throws Error(Corrupt) where the sealed
    /// identity is not the mailbox's own (SPEC section 4).
    static std::unique_ptr<UnlockedMailbox> open(const gateway::Mailbox& mailbox,
                                                 const crypto::Password& password);

    /// One message as it lies in the store.
    struct Stored {
        Stored(std::size_t keyIndex, gateway::StoredMessage stored)
            : key(keyIndex), message(std::move(stored)) {}
        std::size_t key;
        gateway::StoredMessage message;
    };

    /// All messages under all opened keys, in order of arrival; `leftOut` gets what is no message.
    std::vector<Stored> list(gateway::MessageStore& store,
                             std::vector<gateway::LeftOut>& leftOut) const;

    gateway::Drop drop(const Stored& stored) const;
    const crypto::OpenKey& key(const Stored& stored) const { return m_keys[stored.key]; }

    const gateway::MailboxId& mailbox() const { return m_mailbox; }
    const gateway::OpenKeys& keys() const { return m_keys; }

    UnlockedMailbox(gateway::MailboxId mailbox, gateway::OpenKeys keys)
        : m_mailbox(std::move(mailbox)), m_keys(std::move(keys)) {}

private:
    gateway::MailboxId m_mailbox;
    gateway::OpenKeys m_keys;
};

/// One message on its way out, opened chunk by chunk.
class MessageReader {
public:
    /// Throws Error where the message is gone or cannot be read.
    MessageReader(gateway::MessageStore& store, const gateway::Drop& drop,
                  const gateway::MessageId& id, const crypto::OpenKey& key);
    MessageReader(std::unique_ptr<gateway::Outgoing> sealed, const crypto::OpenKey& key);

    /// The next opened octets, appended; false with the last of them. Throws Error(Corrupt) where a
    /// chunk is not what was sealed.
    bool next(std::string& plaintext);

private:
    std::unique_ptr<gateway::Outgoing> m_sealed;
    crypto::Opener m_opener;
    std::size_t m_size;
    std::unique_ptr<std::byte[]> m_buffer;  ///< `m_size` octets
};

}  // namespace pop3
