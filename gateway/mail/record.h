// A record: the set of statements that nodes made about one mailbox, and the state folded from it.
// Merging is set union; the state is a pure function of the set (SPEC section 6). No file, no
// clock.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "crypto/keys.h"
#include "gateway/mail/allow.h"
#include "gateway/mail/statement.h"

namespace gateway {

/// What one node's file of one mailbox says.
struct NodeFile {
    NodeFile(NodeId id, crypto::VerifyKey key, std::string name)
        : node(std::move(id)), nodeKey(std::move(key)), nodeName(std::move(name)) {}
    NodeId node;
    crypto::VerifyKey nodeKey;
    std::string nodeName;               ///< for people; not signed
    std::vector<Statement> statements;  ///< in order of (counter, canonical form), each once

    /// Set union. The name is that of the file with the greater counter, for it is the later one.
    /// Returns whether a statement was new.
    bool unite(const NodeFile& other);
    /// Whether this very statement is in it, with this signature.
    bool holds(const Statement& statement) const;
    /// Adds what is not there yet, whatever the signature of what is.
    void add(const Statement& statement);
    std::uint64_t greatestCounter() const;
    /// What bears the signature of the file's own key, and nothing else.
    NodeFile soundPart() const;

    /// What is read of one file: a hostile one must not tie us up. So no more is ever written.
    static constexpr std::size_t kMostStatements = 10'000;
    static constexpr std::size_t kMostOctets = 4U << 20U;
};

/// An identity sealed for a recovery key, which is kept offline.
struct RecoverySeal {
    RecoverySeal(std::optional<crypto::SealKey> key, std::string text)
        : recipient(std::move(key)), sealed(std::move(text)) {}
    std::optional<crypto::SealKey> recipient;  ///< the recovery key's, where it was stated
    std::string sealed;                        ///< armored age file
};

/// One key pair of a mailbox.
struct MailboxKey {
    explicit MailboxKey(crypto::SealKey key) : recipient(std::move(key)) {}
    crypto::SealKey recipient;
    std::uint64_t epoch = 0;
    WallTime at;
    std::string node;                         ///< that made it: its id
    std::string nodeName;                     ///< and its name, for people
    bool acknowledged = false;                ///< that it was replaced, see replacedKeys()
    std::string sealedIdentity;               ///< armored, under the password
    std::vector<RecoverySeal> recoverySeals;  ///< of every recovery key there ever was
    std::vector<ChainLink> chain;             ///< older identities sealed to this recipient

    bool sealedFor(const crypto::SealKey& recovery) const;
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
        keys;     ///< all, in order of (epoch, recipient); the last is the current one
    Allow allow;  ///< who may send to it
    nlohmann::json allowStated =
        nlohmann::json::object();  ///< the same as stated, with what a later version added
    nlohmann::json alerts = nlohmann::json::object();  ///< its own alert limits, as stated
    std::uint64_t greatestCounter = 0;
    std::size_t heldBack =
        0;  ///< statements of nodes that are not trusted, or with a bad signature

    const MailboxKey* current() const { return keys.empty() ? nullptr : &keys.back(); }
    /// The recipients whose messages the current password opens: the current key and what is
    /// chained to it, also through others (SPEC section 4, "the chain").
    std::vector<crypto::SealKey> openable() const;
    /// Whether each of those is sealed for this recovery key.
    bool recoverableBy(const crypto::SealKey& recovery) const;
};

/// Whether statements signed with this key by this node count.
using Trusts = std::function<bool(const NodeId&, const crypto::VerifyKey&)>;

class Record {
public:
    /// A node's file is told by its key too: whoever writes another node's id into a file of his
    /// own does not mix his statements with that node's.
    using Files = std::map<std::pair<NodeId, crypto::VerifyKey>, NodeFile>;

    explicit Record(MailboxId mailbox) : m_mailbox(std::move(mailbox)) {}
    const MailboxId& mailbox() const { return m_mailbox; }
    const Files& files() const { return m_files; }

    /// Set union with what one node's file says; returns whether anything was new.
    bool unite(const NodeFile& file);
    bool unite(const Record& other);

    /// The state, where every statement counts: the caller let only such in.
    Mailbox fold() const;
    /// The state from the statements of trusted nodes with a good signature.
    Mailbox fold(const Trusts& trusts) const;

    /// One node's file as TOML / from TOML; `why` says what is wrong and where.
    static std::string toToml(const MailboxId& mailbox, const NodeFile& file);
    static std::optional<NodeFile> fromToml(const MailboxId& mailbox, std::string_view text,
                                            std::string& why);

    /// The same, telling damage from what a newer version wrote.
    struct Reading {
        std::optional<NodeFile> file;
        bool newerFormat = false;  ///< leave it untouched
        std::string problem;       ///< empty where all of it was understood; else in words
    };
    /// Statements that are malformed are left out, and named in `problem`.
    static Reading read(const MailboxId& mailbox, std::string_view text);

private:
    MailboxId m_mailbox;
    Files m_files;
};

}  // namespace gateway
