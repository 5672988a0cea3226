#include "gateway/mail/node.h"

#include <cerrno>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/json_text.h"
#include "gateway/base/text.h"
#include "gateway/mail/ownership.h"
#include "gateway/mail/statement_toml.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::size_t kLargestFile = 1U << 20U;

/// Whether the file is there; throws where that cannot be told, or where it may not be read: a new
/// identity in its place would be the wrong answer.
bool isThere(const Layout& layout, const std::filesystem::path& file) {
    if (::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) == 0) {
        return true;
    }
    if (errno != ENOENT) {
        throwErrnoFor(layout, "read", file);
    }
    return false;
}

/// A file of node/, which nobody but this program writes.
json readOwnFile(const std::filesystem::path& file) {
    std::string why;
    const auto document = parseToml(readWhole(file, kLargestFile), why);
    const json format = document ? document->value("format", json()) : json();
    if (document && format == 1) {
        return *document;
    }
    if (document && format.is_number_integer()) {
        throw Error(Error::Kind::Config, "read " + file.native() +
                                             ": a newer Postern wrote it (format " + format.dump() +
                                             "); start that version, or a newer one");
    }
    throw Error(Error::Kind::Corrupt, "read " + file.native() + ": it is damaged" +
                                          (why.empty() ? "" : " (" + why + ")"));
}

[[noreturn]] void throwDamaged(const std::filesystem::path& file, const std::string& what) {
    throw Error(Error::Kind::Corrupt,
                "read " + file.native() + ": it is damaged (" + what +
                    "); restore it from a copy of this machine, or move it away: then this node "
                    "takes a new id, and its twins must be paired anew");
}

std::pair<NodeId, crypto::SigningKey> readIdentity(const Layout& layout, const json& document) {
    const auto id = NodeId::parse(textIn(document, "id"));
    std::string seed = textIn(document, "key");
    auto key = crypto::SigningKey::parse(seed);
    crypto::wipe(std::span<char>(seed));
    if (!id || !key) {
        throwDamaged(layout.nodeFile(), id ? "`key` is no signing key" : "`id` is no id of a node");
    }
    return {*id, std::move(*key)};
}

/// Empty where the machine has none, which is not judged.
std::string readMachineId(const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        return {};
    }
    return std::string(trimmed(readWhole(file, kLargestFile)));
}

/// The key is in the text: it is wiped before it returns.
void writeNodeFile(const Layout& layout, const NodeId& id, const crypto::SigningKey& key,
                   const std::string& name, const std::string& machineId) {
    const crypto::SecretBuffer seed = key.seed();
    json document{{"format", 1},
                  {"id", id.str()},
                  {"key", seed.text()},
                  {"machine_id", machineId},
                  {"name", name}};
    std::string text = "# This node's own id and signing key. Never copy it to another machine.\n" +
                       formatToml(document);
    writeDurably(layout.nodeFile(), text);
    crypto::wipe(std::span<char>(text));
    crypto::wipe(std::span<char>(document["key"].get_ref<std::string&>()));
}

}  // namespace

TrustedNodes TrustedNodes::load(const Layout& layout) {
    TrustedNodes trusted;
    if (!isThere(layout, layout.trustFile())) {
        return trusted;
    }
    const json document = readOwnFile(layout.trustFile());
    for (const json& entry : document.value("trusted", json::array())) {
        const auto node = NodeId::parse(entry.is_object() ? textIn(entry, "node") : "");
        const auto key =
            crypto::VerifyKey::parse(entry.is_object() ? textIn(entry, "node_key") : "");
        if (!node || !key) {
            throw Error(Error::Kind::Corrupt,
                        "read " + layout.trustFile().native() +
                            ": an entry names no node and key; take that entry out");
        }
        trusted.add(*node, *key, textIn(entry, "how"));
    }
    return trusted;
}

bool TrustedNodes::trusts(const NodeId& node, const crypto::VerifyKey& key) const {
    const auto found = m_nodes.find(node);
    return found != m_nodes.end() && found->second.key == key;
}

bool TrustedNodes::add(const NodeId& node, const crypto::VerifyKey& key, const std::string& how) {
    m_nodes.try_emplace(node, Entry{key, how});
    return trusts(node, key);
}

void TrustedNodes::save(const Layout& layout) const {
    json entries = json::array();
    for (const auto& [node, entry] : m_nodes) {
        entries.push_back(
            {{"node", node.str()}, {"node_key", entry.key.str()}, {"how", entry.how}});
    }
    makeDurableDirectory(layout.node());
    writeDurably(layout.trustFile(),
                 "# The nodes whose statements about mailboxes count here.\n" +
                     formatToml({{"format", 1}, {"trusted", std::move(entries)}}));
}

Node Node::make(const Layout& layout, const std::string& name, const std::string& machineId) {
    makeDurableDirectory(layout.node());
    Node node(NodeId::generate(), name, crypto::SigningKey::generate());
    writeNodeFile(layout, node.id(), node.key(), name, machineId);
    return node;
}

std::optional<Node::Identity> Node::look(const Layout& layout) {
    if (!isThere(layout, layout.nodeFile())) {
        return std::nullopt;
    }
    const auto [id, key] = readIdentity(layout, readOwnFile(layout.nodeFile()));
    return Identity{id, key.verifyKey()};
}

Node Node::loadOrMake(const Layout& layout, const std::string& name, std::string& notice,
                      const std::filesystem::path& machineIdFile) {
    const std::string machineId = readMachineId(machineIdFile);
    if (!isThere(layout, layout.nodeFile())) {
        return make(layout, name, machineId);
    }
    const json document = readOwnFile(layout.nodeFile());
    auto [id, key] = readIdentity(layout, document);
    const std::string before = textIn(document, "machine_id");
    if (!before.empty() && !machineId.empty() && before != machineId) {
        // Trusted first: a crash in between must not leave a node that distrusts its own past.
        TrustedNodes trusted = TrustedNodes::load(layout);
        trusted.add(id, key.verifyKey(), "this node's id before the machine was cloned");
        trusted.save(layout);
        Node node = make(layout, name, machineId);
        notice =
            "the machine-id has changed, so this is a clone of another machine: this node is " +
            node.id().str() + " from now on, and goes on trusting " + id.str();
        return node;
    }
    if (textIn(document, "name") != name || (before.empty() && !machineId.empty())) {
        writeNodeFile(layout, id, key, name, machineId.empty() ? before : machineId);
    }
    return Node(id, name, std::move(key));
}

}  // namespace gateway
