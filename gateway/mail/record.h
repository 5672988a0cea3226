// A record: the set of statements that nodes made about one mailbox, and the state folded from it.
// Merging is set union; the state is a pure function of the set (SPEC section 6). No file, no
// clock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/keys.h"
#include "gateway/mail/statement.h"

namespace gateway {

/// What one node's file of one mailbox says.
struct NodeFile {
    NodeId node;
    crypto::VerifyKey nodeKey;
    std::string nodeName;
    std::vector<Statement> statements;
};

/// One key pair of a mailbox.
struct MailboxKey {
    explicit MailboxKey(crypto::SealKey key) : recipient(std::move(key)) {}
    crypto::SealKey recipient;
    std::uint64_t epoch = 0;
    WallTime at;
    std::string sealedIdentity;     ///< armored, under the password
    std::string sealedForRecovery;  ///< armored, may be empty
    std::vector<ChainLink> chain;   ///< older identities sealed to this recipient
};

/// The folded state of a mailbox: what SMTP, POP3, commands and the page act on. Immutable.
struct Mailbox {
    explicit Mailbox(MailboxId mailbox) : id(std::move(mailbox)) {}
    MailboxId id;
    std::string name;
    std::string description;
    MailboxStatus status = MailboxStatus::Active;
    WallTime created;
    std::vector<MailboxKey>
        keys;  ///< all, in order of (epoch, recipient); the last is the current one
    std::uint64_t greatestCounter = 0;
    std::size_t heldBack =
        0;  ///< statements of nodes that are not trusted, or with a bad signature

    const MailboxKey* current() const { return keys.empty() ? nullptr : &keys.back(); }
};

/// Whether statements signed with this key by this node count.
using Trusts = std::function<bool(const NodeId&, const crypto::VerifyKey&)>;

class Record {
public:
    explicit Record(MailboxId mailbox) : m_mailbox(std::move(mailbox)) {}
    const MailboxId& mailbox() const { return m_mailbox; }
    const std::map<NodeId, NodeFile>& files() const { return m_files; }

    /// Set union with what one node's file says; returns whether anything was new.
    bool unite(const NodeFile& file);
    bool unite(const Record& other);

    Mailbox fold(const Trusts& trusts) const;

    /// One node's file as TOML / from TOML; `why` says what is wrong and where.
    static std::string toToml(const MailboxId& mailbox, const NodeFile& file);
    static std::optional<NodeFile> fromToml(const MailboxId& mailbox, std::string_view text,
                                            std::string& why);

private:
    MailboxId m_mailbox;
    std::map<NodeId, NodeFile> m_files;
};

}  // namespace gateway
