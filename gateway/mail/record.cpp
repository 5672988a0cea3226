#include "gateway/mail/record.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "gateway/base/text.h"
#include "gateway/mail/statement_toml.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::int64_t kFormat = 1;

/// Of two statements of a kind the later one counts (SPEC section 6). The canonical form decides
/// where a cloned machine used a counter twice.
bool isLater(const Statement& left, const Statement& right) {
    return std::forward_as_tuple(left.counter(), left.node(), left.canonical()) >
           std::forward_as_tuple(right.counter(), right.node(), right.canonical());
}

bool isBefore(const Statement& left, const Statement& right) {
    return std::forward_as_tuple(left.counter(), left.canonical()) <
           std::forward_as_tuple(right.counter(), right.canonical());
}

std::string textIn(const json& fields, const char* key) { return fields.value(key, ""); }

const std::string& signatureOf(const Statement& statement) {
    return statement.fields().at("signature").get_ref<const std::string&>();
}

json withoutHead(json fields) {
    for (const char* key : {"counter", "at", "kind", "signature"}) {
        fields.erase(key);
    }
    return fields;
}

/// Takes statements in any order; the state it gives depends on the set only.
class Fold {
public:
    explicit Fold(MailboxId mailbox) : m_state(std::move(mailbox)) {}

    void add(const NodeFile& file, const Trusts& trusts) {
        m_names[file.node] = file.nodeName;
        const bool trusted = trusts(file.node, file.nodeKey);
        for (const Statement& statement : file.statements) {
            if (trusted && statement.signedBy(file.nodeKey)) {
                add(statement);
            } else {
                ++m_state.heldBack;
            }
        }
    }

    void add(const NodeFile& file) {
        m_names[file.node] = file.nodeName;
        for (const Statement& statement : file.statements) {
            add(statement);
        }
    }

    Mailbox finish() {
        for (const auto& [kind, statement] : m_latest) {
            apply(kind, *statement);
        }
        for (auto& [recipient, key] : m_keys) {
            finishKey(recipient, key);
        }
        std::sort(m_state.keys.begin(), m_state.keys.end(),
                  [](const MailboxKey& a, const MailboxKey& b) {
                      return std::tie(a.epoch, a.recipient) < std::tie(b.epoch, b.recipient);
                  });
        return std::move(m_state);
    }

private:
    void add(const Statement& statement) {
        m_state.greatestCounter = std::max(m_state.greatestCounter, statement.counter());
        switch (statement.kind()) {
            case StatementKind::Key:
                return addKey(statement);
            case StatementKind::Chain:
                return addChain(textIn(statement.fields(), "to"), statement.fields());
            case StatementKind::Acknowledge:
                m_acknowledged.insert(textIn(statement.fields(), "recipient"));
                return;
            case StatementKind::Other:
                return;  // a later version's; kept, and passed on
            default:
                const Statement*& latest = m_latest[statement.kind()];
                if (latest == nullptr || isLater(statement, *latest)) {
                    latest = &statement;
                }
        }
    }

    /// All that was said about one recipient. Sets, so that the order of statements leaves no
    /// trace.
    struct Key {
        std::vector<const Statement*> statements;
        std::set<std::pair<std::string, std::string>> chain;     ///< recipient, sealed
        std::set<std::pair<std::string, std::string>> recovery;  ///< recipient or none, sealed
    };

    void addKey(const Statement& statement) {
        const std::string recipient = textIn(statement.fields(), "recipient");
        m_keys[recipient].statements.push_back(&statement);
        addChain(recipient, statement.fields());
        const std::string sealed = textIn(statement.fields(), "sealed_for_recovery");
        if (!sealed.empty()) {
            m_keys[recipient].recovery.emplace(textIn(statement.fields(), "recovery"), sealed);
        }
    }

    void addChain(const std::string& to, const json& fields) {
        for (const json& link : fields.value("chain", json::array())) {
            m_keys[to].chain.emplace(textIn(link, "recipient"), textIn(link, "sealed"));
        }
    }

    void apply(StatementKind kind, const Statement& statement) {
        const json& fields = statement.fields();
        if (kind == StatementKind::Created) {
            m_state.created = statement.at();
            if (!m_latest.contains(StatementKind::Describe)) {
                m_state.name = textIn(fields, "name");
            }
        } else if (kind == StatementKind::Describe) {
            m_state.name = textIn(fields, "name");
            m_state.description = textIn(fields, "description");
        } else if (kind == StatementKind::Status) {
            m_state.status = parseMailboxStatus(textIn(fields, "status")).value();  // examined
        } else if (kind == StatementKind::Allow) {
            std::string why;
            m_state.allowStated = withoutHead(fields);
            m_state.allow = Allow::parse(fields, why).value();  // it was examined
        } else if (kind == StatementKind::Alerts) {
            m_state.alerts = withoutHead(fields);
        }
    }

    /// A key may be stated again, to add what it is sealed to: the epoch only grows, of the
    /// password's seals the latest counts.
    void finishKey(const std::string& recipient, Key& key) {
        if (key.statements.empty()) {
            return;  // a chain to a key that nobody has stated yet
        }
        std::sort(key.statements.begin(), key.statements.end(),
                  [](const Statement* a, const Statement* b) { return isLater(*b, *a); });
        MailboxKey result(*crypto::SealKey::parse(recipient));
        const Statement& first = *key.statements.front();
        result.at = first.at();
        result.node = first.node().str();
        result.nodeName = m_names[first.node()];
        result.acknowledged = m_acknowledged.contains(recipient);
        for (const Statement* statement : key.statements) {
            const json& fields = statement->fields();
            result.epoch = std::max(result.epoch, fields.at("epoch").get<std::uint64_t>());
            result.sealedIdentity = textIn(fields, "sealed_identity");
        }
        for (const auto& [recovery, sealed] : key.recovery) {
            result.recoverySeals.emplace_back(crypto::SealKey::parse(recovery), sealed);
        }
        for (const auto& [older, sealed] : key.chain) {
            result.chain.emplace_back(*crypto::SealKey::parse(older), sealed);
        }
        m_state.keys.push_back(std::move(result));
    }

    Mailbox m_state;
    std::map<StatementKind, const Statement*> m_latest;
    std::map<std::string, Key> m_keys;
    std::map<NodeId, std::string> m_names;
    std::set<std::string> m_acknowledged;  ///< recipients
};

/// The head of a file, or what is wrong with it.
std::optional<NodeFile> readHead(const json& document, std::string& why) {
    const auto text = [&](const char* key) {
        const auto found = document.find(key);
        return found != document.end() && found->is_string() ? found->get<std::string>() : "";
    };
    const auto node = NodeId::parse(text("node"));
    const auto key = crypto::VerifyKey::parse(text("node_key"));
    if (!node || !key) {
        why = node ? "`node_key` is no Ed25519 key" : "`node` is no id of a node";
        return std::nullopt;
    }
    return NodeFile(*node, *key, text("node_name"));
}

void readStatements(const MailboxId& mailbox, const json& list, Record::Reading& reading) {
    std::size_t number = 0;
    for (const json& fields : list) {
        std::string why;
        ++number;
        if (const auto statement = Statement::parse(mailbox, reading.file->node, fields, why)) {
            reading.file->add(*statement);
        } else if (reading.problem.empty()) {
            reading.problem = "statement " + std::to_string(number) + ": " + why;
        }
    }
}

}  // namespace

bool MailboxKey::sealedFor(const crypto::SealKey& recovery) const {
    return std::any_of(recoverySeals.begin(), recoverySeals.end(),
                       [&](const RecoverySeal& seal) { return seal.recipient == recovery; });
}

std::vector<crypto::SealKey> Mailbox::openable() const {
    std::vector<crypto::SealKey> result;
    if (current() != nullptr) {
        result.push_back(current()->recipient);
    }
    for (std::size_t i = 0; i < result.size(); ++i) {
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const MailboxKey& candidate) {
            return candidate.recipient == result[i];
        });
        if (key == keys.end()) {
            continue;
        }
        for (const ChainLink& link : key->chain) {
            if (std::find(result.begin(), result.end(), link.recipient) == result.end()) {
                result.push_back(link.recipient);
            }
        }
    }
    return result;
}

bool Mailbox::recoverableBy(const crypto::SealKey& recovery) const {
    const std::vector<crypto::SealKey> ours = openable();
    return std::all_of(keys.begin(), keys.end(), [&](const MailboxKey& key) {
        return key.sealedFor(recovery) ||
               std::find(ours.begin(), ours.end(), key.recipient) == ours.end();
    });
}

bool NodeFile::unite(const NodeFile& other) {
    if (std::forward_as_tuple(other.greatestCounter(), other.nodeName) >
        std::forward_as_tuple(greatestCounter(), nodeName)) {
        nodeName = other.nodeName;
    }
    bool news = false;
    for (const Statement& statement : other.statements) {
        const auto place =
            std::lower_bound(statements.begin(), statements.end(), statement, isBefore);
        if (place == statements.end() || !(*place == statement)) {
            statements.insert(place, statement);
            news = true;
        } else if (signatureOf(statement) < signatureOf(*place)) {
            *place = statement;  // only the key's owner can make two; any rule will do, but one
        }
    }
    return news;
}

bool NodeFile::holds(const Statement& statement) const {
    const auto place = std::lower_bound(statements.begin(), statements.end(), statement, isBefore);
    return place != statements.end() && *place == statement &&
           signatureOf(*place) == signatureOf(statement);
}

void NodeFile::add(const Statement& statement) {
    const auto place = std::lower_bound(statements.begin(), statements.end(), statement, isBefore);
    if (place == statements.end() || !(*place == statement)) {
        statements.insert(place, statement);
    }
}

std::uint64_t NodeFile::greatestCounter() const {
    return statements.empty() ? 0 : statements.back().counter();
}

NodeFile NodeFile::soundPart() const {
    NodeFile sound(node, nodeKey, nodeName);
    for (const Statement& statement : statements) {
        if (statement.signedBy(nodeKey)) {
            sound.add(statement);
        }
    }
    return sound;
}

bool Record::unite(const NodeFile& file) {
    const auto [place, added] =
        m_files.try_emplace({file.node, file.nodeKey}, file.node, file.nodeKey, file.nodeName);
    return place->second.unite(file) || added;
}

bool Record::unite(const Record& other) {
    bool news = false;
    for (const auto& [node, file] : other.m_files) {
        news = unite(file) || news;
    }
    return news;
}

Mailbox Record::fold() const {
    Fold fold(m_mailbox);
    for (const auto& [node, file] : m_files) {
        fold.add(file);
    }
    return fold.finish();
}

Mailbox Record::fold(const Trusts& trusts) const {
    Fold fold(m_mailbox);
    for (const auto& [node, file] : m_files) {
        fold.add(file, trusts);
    }
    return fold.finish();
}

std::string Record::toToml(const MailboxId& mailbox, const NodeFile& file) {
    json document{{"format", kFormat},
                  {"node", file.node.str()},
                  {"node_key", file.nodeKey.str()},
                  {"node_name", file.nodeName}};
    json statements = json::array();
    for (const Statement& statement : file.statements) {
        statements.push_back(statement.fields());
    }
    document["statement"] = std::move(statements);
    return "# What this node has said about " + mailbox.str() + "; every statement is signed.\n" +
           formatToml(document);
}

std::optional<NodeFile> Record::fromToml(const MailboxId& mailbox, std::string_view text,
                                         std::string& why) {
    Reading reading = read(mailbox, text);
    why = reading.problem;
    return std::move(reading.file);
}

Record::Reading Record::read(const MailboxId& mailbox, std::string_view text) {
    Reading reading;
    const auto document = parseToml(text, reading.problem);
    if (!document) {
        return reading;
    }
    const json format = document->value("format", json());
    if (format.is_number_integer() && format.get<std::int64_t>() > kFormat) {
        reading.newerFormat = true;
        reading.problem = "a newer Postern wrote it (format " + format.dump() +
                          "): it is left untouched, and not understood here";
        return reading;
    }
    const json list = document->value("statement", json::array());
    if (format != kFormat) {
        reading.problem = "it does not say `format = 1`";
    } else if (!list.is_array() || list.size() > NodeFile::kMostStatements) {
        reading.problem = "`statement` is no list of tables, or too long";
    } else {
        reading.file = readHead(*document, reading.problem);
    }
    if (reading.file) {
        readStatements(mailbox, list, reading);
    }
    return reading;
}

}  // namespace gateway
