#include "gateway/mail/statement.h"

#include <array>
#include <utility>

#include "gateway/base/error.h"
#include "gateway/mail/allow.h"
#include "gateway/mail/canonical_json.h"

namespace gateway {

namespace {

using nlohmann::json;

StatementKind kindOf(std::string_view name) {
    static constexpr std::array<std::pair<std::string_view, StatementKind>, 8> kKinds{
        {{"created", StatementKind::Created},
         {"describe", StatementKind::Describe},
         {"status", StatementKind::Status},
         {"allow", StatementKind::Allow},
         {"alerts", StatementKind::Alerts},
         {"key", StatementKind::Key},
         {"chain", StatementKind::Chain},
         {"acknowledge", StatementKind::Acknowledge}}};
    for (const auto& [known, kind] : kKinds) {
        if (known == name) {
            return kind;
        }
    }
    return StatementKind::Other;
}

/// Looks at the fields of one statement; says the first thing that is wrong.
class Examination {
public:
    explicit Examination(const json& fields) : m_fields(fields) {}

    void head() {
        if (!m_fields.is_object()) {
            return wrong("it is no table");
        }
        number("counter", Statement::kGreatestCounter);
        text("at", true);
        text("kind", true);
        text("signature", true);
        // Both are part of what is signed, by these names.
        if (m_fields.contains("address") || m_fields.contains("node")) {
            wrong("`address` and `node` have no place in it");
        }
    }

    void body(StatementKind kind) {
        switch (kind) {
            case StatementKind::Created:
                return text("name", false);
            case StatementKind::Describe:
                text("name", true);
                return text("description", true);
            case StatementKind::Status:
                return status();
            case StatementKind::Key:
                recipient("recipient");
                number("epoch", Statement::kGreatestCounter);
                text("sealed_identity", true);
                text("sealed_for_recovery", false);
                if (m_fields.contains("recovery")) {
                    recipient("recovery");  // whose key opens sealed_for_recovery
                }
                return chain(false);
            case StatementKind::Chain:
                recipient("to");
                return chain(true);
            case StatementKind::Acknowledge:
                return recipient("recipient");
            case StatementKind::Allow:
                return allow();
            case StatementKind::Alerts:
            case StatementKind::Other:
                return;
        }
    }

    bool failed() const { return !m_why.empty(); }
    const std::string& why() const { return m_why; }

private:
    void wrong(const std::string& what) {
        if (m_why.empty()) {
            m_why = what;
        }
    }

    void number(const char* key, std::uint64_t greatest) {
        const auto found = m_fields.find(key);
        if (found == m_fields.end() || !found->is_number_integer() ||
            found->get<std::int64_t>() < 1 || found->get<std::uint64_t>() > greatest) {
            wrong(std::string("`") + key + "` is no number from 1 to 2^52");
        }
    }

    void text(const char* key, bool required) {
        const auto found = m_fields.find(key);
        if (found == m_fields.end() ? required : !found->is_string()) {
            wrong(std::string("`") + key + "` is missing or no text");
        }
    }

    void status() {
        text("status", true);
        if (!failed()) {
            const auto& value = m_fields.at("status").get_ref<const std::string&>();
            if (!parseMailboxStatus(value)) {
                wrong("`status` is neither active, suspended nor deleted");
            }
        }
    }

    void allow() {
        std::string why;
        if (!Allow::parse(m_fields, why)) {
            wrong(why);
        }
    }

    void recipient(const char* key) {
        text(key, true);
        if (!failed() && !crypto::SealKey::parse(m_fields.at(key).get_ref<const std::string&>())) {
            wrong(std::string("`") + key + "` is no age recipient");
        }
    }

    void chain(bool required) {
        const auto found = m_fields.find("chain");
        if (found == m_fields.end()) {
            return required ? wrong("`chain` is missing") : void();
        }
        if (!found->is_array()) {
            return wrong("`chain` is no list");
        }
        for (const json& link : *found) {
            Examination part(link);
            if (!link.is_object()) {
                return wrong("a link of `chain` is no table");
            }
            part.recipient("recipient");
            part.text("sealed", true);
            if (part.failed()) {
                return wrong("in `chain`: " + part.why());
            }
        }
    }

    const json& m_fields;
    std::string m_why;
};

std::optional<std::string> canonicalForm(const MailboxId& mailbox, const NodeId& node,
                                         json fields) {
    fields.erase("signature");
    fields["address"] = mailbox.str();
    fields["node"] = node.str();
    return canonicalJson(fields);
}

}  // namespace

std::string_view nameOf(MailboxStatus status) {
    switch (status) {
        case MailboxStatus::Active:
            return "active";
        case MailboxStatus::Suspended:
            return "suspended";
        case MailboxStatus::Deleted:
            return "deleted";
    }
    throw Error(Error::Kind::Internal, "no such status");
}

std::optional<MailboxStatus> parseMailboxStatus(std::string_view name) {
    for (const MailboxStatus status :
         {MailboxStatus::Active, MailboxStatus::Suspended, MailboxStatus::Deleted}) {
        if (nameOf(status) == name) {
            return status;
        }
    }
    return std::nullopt;
}

Statement Statement::make(const MailboxId& mailbox, const NodeId& node,
                          const crypto::SigningKey& key, std::uint64_t counter, WallTime at,
                          std::string_view kind, json fields) {
    fields["counter"] = counter;
    fields["at"] = formatTimestamp(at);
    fields["kind"] = kind;
    std::string why = "it holds text that is no UTF-8, or a fraction";
    if (const auto canonical = canonicalForm(mailbox, node, fields)) {
        fields["signature"] = key.sign(*canonical);
        if (auto statement = parse(mailbox, node, std::move(fields), why)) {
            return std::move(*statement);
        }
    }
    throw Error(Error::Kind::Config, "the record of " + mailbox.str() + " cannot say `" +
                                         std::string(kind) + "`: " + why);
}

std::optional<Statement> Statement::parse(const MailboxId& mailbox, const NodeId& node, json fields,
                                          std::string& why) {
    Examination examination(fields);
    examination.head();
    if (examination.failed()) {
        why = examination.why();
        return std::nullopt;
    }
    const auto at = parseTimestamp(fields.at("at").get_ref<const std::string&>());
    if (!at) {
        why = "`at` is no time in UTC and whole seconds";
        return std::nullopt;
    }
    Statement statement;
    statement.m_kind = kindOf(fields.at("kind").get_ref<const std::string&>());
    examination.body(statement.m_kind);
    if (examination.failed()) {
        why = examination.why();
        return std::nullopt;
    }
    auto canonical = canonicalForm(mailbox, node, fields);
    if (!canonical) {
        why = "it holds a fraction, or more levels than any statement";
        return std::nullopt;
    }
    statement.m_counter = fields.at("counter").get<std::uint64_t>();
    statement.m_at = *at;
    statement.m_text =
        std::make_shared<const Text>(Text{node, std::move(fields), std::move(*canonical)});
    return statement;
}

bool Statement::signedBy(const crypto::VerifyKey& key) const {
    return key.verifies(canonical(), fields().at("signature").get_ref<const std::string&>());
}

}  // namespace gateway
