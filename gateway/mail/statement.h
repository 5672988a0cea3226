// A statement: one fact that one node said about one mailbox, signed, never changed afterwards.
// No file, no clock: text in, text out. Its canonical form is JSON by RFC 8785 (JCS), which is what
// the Ed25519 signature covers, so a stranger can verify it with any JCS library.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/keys.h"
#include "crypto/signature.h"
#include "gateway/base/clock.h"
#include "gateway/mail/mailbox_id.h"
#include "gateway/mail/node_id.h"

namespace gateway {

/// What a statement is about; the kinds of SPEC section 6.
enum class StatementKind {
    Created,
    Describe,
    Status,
    Allow,
    Alerts,
    Key,
    Chain,
    Acknowledge,  ///< an admin has seen that the password of `recipient` was replaced by another
                  ///< node's
    Other
};

enum class MailboxStatus { Active, Suspended, Deleted };

/// As statements and lists write it.
std::string_view nameOf(MailboxStatus status);
/// Nothing where no status is called so.
std::optional<MailboxStatus> parseMailboxStatus(std::string_view name);

/// An older identity sealed to a newer recipient.
struct ChainLink {
    ChainLink(crypto::SealKey key, std::string text)
        : recipient(std::move(key)), sealed(std::move(text)) {}
    crypto::SealKey recipient;  ///< of the older identity
    std::string sealed;         ///< armored age file
};

/// Immutable, cheap to copy. All fields are kept, also those a later version wrote and this one
/// does not know.
class Statement {
public:
    /// A new statement, signed. `fields` holds what the kind asks for, by the names of SPEC section
    /// 6 (key: recipient, epoch, sealed_identity, …). Throws Error(Config) where they are
    /// malformed: a name that is no UTF-8, for one.
    static Statement make(const MailboxId& mailbox, const NodeId& node,
                          const crypto::SigningKey& key, std::uint64_t counter, WallTime at,
                          std::string_view kind, nlohmann::json fields);
    /// From the fields of a `[[statement]]` table; nothing where counter, at, kind or signature are
    /// missing or of the wrong type, or where the body of a kind we know is malformed; `why` says
    /// which.
    static std::optional<Statement> parse(const MailboxId& mailbox, const NodeId& node,
                                          nlohmann::json fields, std::string& why);

    const NodeId& node() const { return m_text->node; }
    std::uint64_t counter() const { return m_counter; }
    WallTime at() const { return m_at; }
    StatementKind kind() const { return m_kind; }
    const nlohmann::json& fields() const { return m_text->fields; }  ///< with signature
    /// JCS of {mailbox address, node, all fields but the signature}: what is signed, and what makes
    /// two statements the same.
    const std::string& canonical() const { return m_text->canonical; }
    bool signedBy(const crypto::VerifyKey& key) const;

    bool operator==(const Statement& other) const { return canonical() == other.canonical(); }

    /// A counter beyond this one is refused: there would be none left for an answer to it.
    static constexpr std::uint64_t kGreatestCounter = std::uint64_t{1} << 52U;

private:
    struct Text {
        NodeId node;
        nlohmann::json fields;
        std::string canonical;
    };
    Statement() = default;
    std::uint64_t m_counter = 0;
    WallTime m_at;
    StatementKind m_kind = StatementKind::Other;
    std::shared_ptr<const Text> m_text;
};

}  // namespace gateway
