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
#include "gateway/mail/record_digest.h"

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
    Registry(Mailboxes mailboxes, std::vector<MailboxId> unreadable, std::vector<Finding> findings,
             RecordDigests digests = {});

    /// Nothing where this node has never heard of the mailbox, or cannot read its record.
    std::shared_ptr<const Mailbox> find(const MailboxId& id) const;
    /// Whether there is a record of the mailbox that could not be read at all: mail for it must
    /// wait.
    bool unreadable(const MailboxId& id) const;
    const std::vector<MailboxId>& unreadableMailboxes() const { return m_unreadable; }
    const Mailboxes& mailboxes() const { return m_mailboxes; }
    const std::vector<Finding>& findings() const { return m_findings; }
    /// Of every file of which something counts here.
    const RecordDigests& digests() const { return m_digests; }
    /// Of all of it: another node that has the same knows the same.
    const std::string& digest() const { return m_digest; }

private:
    Mailboxes m_mailboxes;
    std::vector<MailboxId> m_unreadable;
    std::vector<Finding> m_findings;
    RecordDigests m_digests;
    std::string m_digest = digestOf(m_digests);
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
    Import import(std::span<const Record> records, bool trustAll,
                  const std::string& how = "imported from a backup");

    /// What counts of one node's statements about a mailbox; nothing where none does.
    std::optional<NodeFile> file(const RecordFileKey& key) const;
    /// What came of the files that a twin sent.
    struct Addition {
        std::size_t mailboxes = 0;   ///< that changed
        std::size_t statements = 0;  ///< that count from now on
        std::size_t heldBack = 0;    ///< files that lie in config/ for the day they are trusted
        std::size_t refused = 0;     ///< files that were not kept at all
    };
    /// As import() without trust; what does not count is kept as if it had been copied into config/
    /// by hand, but within bounds, and only of mailboxes that this node knows: who holds a twin's
    /// token must not fill the disk. Every signature must be its file's.
    Addition add(std::span<const Record> records);

    /// The node's statements count from now on, also those that are held back. Durable once it
    /// returned. False where it is trusted with another key, or is this one.
    bool trust(const NodeId& node, const crypto::VerifyKey& key, const std::string& how);
    /// Nothing new of it counts any more; what counted goes on counting.
    void distrust(const NodeId& node);
    const TrustedNodes& trusted() const;
    const Node& self() const;

private:
    struct State;
    std::unique_ptr<State> m_state;
};

}  // namespace gateway
