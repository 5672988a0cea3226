// What a RegistryKeeper keeps; for its own files only.
#pragma once

#include <set>

#include "gateway/mail/kept_record.h"
#include "gateway/mail/registry.h"

namespace gateway {

struct RegistryKeeper::State {
    State(Layout layout, Node node, std::function<WallTime()> now)
        : context(std::move(layout), std::move(node), std::move(now)) {}

    struct Draft {
        std::string_view kind;
        nlohmann::json fields;
    };

    /// What an import would do.
    struct Plan {
        bool trusts(const RecordContext& known, const NodeFile& file) const;

        Import import;
        TrustedNodes trusted;      ///< afterwards
        std::vector<Record> news;  ///< what counts and is not known
    };

    void loadFirst();
    /// Whether it has no mailbox and trusts nobody yet: it will take what it is given first (a
    /// restore, the first copy).
    bool isNewNode() const;
    void trustFoundNodes();
    void readNames();
    KeptRecord& recordOf(const MailboxId& id) { return records.try_emplace(id, id).first->second; }
    bool folderChanged();
    void publish();
    void require(const MailboxId& id) const;
    std::shared_ptr<const Mailbox> say(const MailboxId& id, const std::vector<Draft>& drafts);
    Draft newKey(const MailboxId& id, std::uint64_t epoch, const crypto::Password& password,
                 int logN, std::span<const crypto::OpenKey> older) const;
    void addRecovery(const MailboxId& id, const crypto::OpenKey& key, nlohmann::json& fields) const;
    Plan plan(std::span<const Record> others, bool trustAll, const std::string& how) const;
    void planTrust(std::span<const Record> others, bool trustAll, const std::string& how,
                   Plan& plan) const;
    /// `others`, and what lies in config/ of nodes that the plan is to trust.
    std::map<MailboxId, Record> withHeldBack(std::span<const Record> others,
                                             const Plan& plan) const;
    /// Keeps a file of which nothing counts, or not.
    bool holdBack(const MailboxId& id, const NodeFile& file);
    std::size_t heldBackOctets() const;
    void addUncovered(const Mailbox& mailbox, std::span<const crypto::OpenKey> keys,
                      std::vector<Draft>& drafts) const;

    RecordContext context;
    std::optional<crypto::SealKey> recovery;
    bool loaded = false;
    std::map<MailboxId, KeptRecord> records;
    Stamp folderStamp;
    std::set<std::string> names;  ///< in config/mailboxes, when it was last read
    bool settled = false;
    std::vector<Finding> findings;  ///< of the folder itself
    std::shared_ptr<const Registry> current = std::make_shared<const Registry>();
};

}  // namespace gateway
