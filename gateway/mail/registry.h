// All mailboxes: an immutable snapshot, and the keeper that loads, unites and saves their records.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/password.h"
#include "crypto/sealed_text.h"
#include "gateway/base/clock.h"
#include "gateway/mail/layout.h"
#include "gateway/mail/node.h"
#include "gateway/mail/opened_keys.h"
#include "gateway/mail/record.h"
#include "gateway/mail/record_change.h"

namespace gateway {

/// What is wrong with a file of ours, in words for an admin.
struct Finding {
    Finding(std::string file, std::string what) : path(std::move(file)), text(std::move(what)) {}
    std::string path;
    std::string text;
};

/// Immutable; shared by whoever works with it; replaced whole.
class Registry {
public:
    using Mailboxes = std::map<MailboxId, std::shared_ptr<const Mailbox>>;

    Registry() = default;
    Registry(Mailboxes mailboxes, std::vector<MailboxId> unreadable, std::vector<Finding> findings);

    /// Nothing where this node has never heard of the mailbox, or cannot read its record.
    std::shared_ptr<const Mailbox> find(const MailboxId& id) const;
    /// Whether there is a record of the mailbox that could not be read at all: mail for it must
    /// wait.
    bool unreadable(const MailboxId& id) const;
    const std::vector<MailboxId>& unreadableMailboxes() const { return m_unreadable; }
    const Mailboxes& mailboxes() const { return m_mailboxes; }
    const std::vector<Finding>& findings() const { return m_findings; }

private:
    Mailboxes m_mailboxes;
    std::vector<MailboxId> m_unreadable;
    std::vector<Finding> m_findings;
};

/// Reads, unites and writes the record files (config/mailboxes/ and node/mailboxes/). Blocking: on
/// a worker or in a command; one thread at a time. The only writer of this node's files.
class RegistryKeeper {
public:
    /// `now` tells the time of statements, and that the age of files is reckoned from.
    RegistryKeeper(Layout layout, Node node,
                   std::function<WallTime()> now = std::chrono::system_clock::now);
    ~RegistryKeeper();
    RegistryKeeper(const RegistryKeeper&) = delete;
    RegistryKeeper& operator=(const RegistryKeeper&) = delete;

    /// Reads everything and unites config/ with node/'s last known good copy; what config/ lacks or
    /// holds damaged is written back from the copy (a damaged file is kept beside it, renamed).
    /// What did not change since the last load is not read again. Throws only where node/ itself
    /// cannot be read or written; all else becomes a finding.
    std::shared_ptr<const Registry> load();
    /// Whether somebody else changed anything below config/mailboxes since the last load(), or a
    /// file is due to be judged again. Stat calls only, but for what was changed in the last
    /// seconds.
    bool changed();
    std::shared_ptr<const Registry> current() const;

    /// Every key made from now on is also sealed to this recipient, whose identity is kept offline.
    void setRecovery(std::optional<crypto::SealKey> recipient);

    struct NewMailbox {
        std::optional<MailboxId> address;  ///< adopted from another gateway; else a new one
        std::string name;
        std::string description;
        crypto::Password password;
        int logN;  ///< of the password's seal
        MailboxStatus status = MailboxStatus::Active;
    };
    /// Adds a mailbox: record durable in node/ and config/ before it returns. Throws Error(Busy)
    /// where the address exists.
    std::shared_ptr<const Mailbox> create(NewMailbox wanted);
    /// Change a mailbox, as durably; Error(Config) where there is none of that address.
    std::shared_ptr<const Mailbox> describe(const MailboxId& id, const std::string& name,
                                            const std::string& description);
    std::shared_ptr<const Mailbox> setStatus(const MailboxId& id, MailboxStatus status);
    /// `changes` by the names of Allow::parse; null takes a field away, what is not named stays.
    /// Error(Config) where the result is none.
    std::shared_ptr<const Mailbox> setAllow(const MailboxId& id, const nlohmann::json& changes);
    /// Its own alert limits, as setAllow() changes pins; whoever judges health knows their names.
    std::shared_ptr<const Mailbox> setAlerts(const MailboxId& id, const nlohmann::json& changes);
    /// An admin has seen which passwords of it were replaced (replacedKeys()): no more notices.
    std::shared_ptr<const Mailbox> acknowledge(const MailboxId& id);

    /// Adds a key pair of the next epoch under `password`, a generated one; `older` are sealed to
    /// it (the chain), so that the password opens them too. They are sealed for recovery where they
    /// were not.
    std::shared_ptr<const Mailbox> addKey(const MailboxId& id, const crypto::Password& password,
                                          std::span<const crypto::OpenKey> older,
                                          int logN = crypto::kGeneratedPasswordCost);
    /// Seals `older` to the current key, whose password then opens them too.
    std::shared_ptr<const Mailbox> addChain(const MailboxId& id,
                                            std::span<const crypto::OpenKey> older);
    /// Seals for recovery those of `keys` that are not yet. Writes nothing where there are none, or
    /// no recovery key.
    std::shared_ptr<const Mailbox> sealForRecovery(const MailboxId& id,
                                                   std::span<const crypto::OpenKey> keys);

    /// All that counts here, mailbox by mailbox: what a backup holds.
    std::vector<Record> records() const;
    /// What uniting with `records` changes. `trustAll` trusts every node that has signed in them;
    /// so does a node that has no mailbox yet.
    struct Import {
        std::vector<RecordChange> changes;  ///< only of mailboxes where there is one
        std::vector<std::string> trusted;   ///< nodes that were not before, in words
        std::vector<std::string> distrusted;
    };
    Import preview(std::span<const Record> records, bool trustAll) const;
    /// Does it; each mailbox is durable in node/ and config/ or unchanged when it returns or
    /// throws. One that fails keeps no other back: it throws at the end, and importing the same
    /// again brings the rest.
    Import import(std::span<const Record> records, bool trustAll);

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace gateway
