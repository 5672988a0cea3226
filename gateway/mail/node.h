// This node: its id, its signing key, and the nodes whose statements it lets count (SPEC section
// 6). Never leaves the machine: nothing of node/ is in a backup, and a cloned machine takes a new
// id.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "crypto/signature.h"
#include "gateway/mail/layout.h"

namespace gateway {

/// The nodes whose statements count, besides our own: node/trust.toml. One thread at a time.
class TrustedNodes {
public:
    /// Reads it; empty where there is none. Throws Error(Corrupt) where it is damaged.
    static TrustedNodes load(const Layout& layout);

    bool empty() const { return m_nodes.empty(); }
    bool trusts(const NodeId& node, const crypto::VerifyKey& key) const;
    /// `how` it came to be trusted, for people. A node keeps the key it was first trusted with.
    /// Returns whether it is trusted with this key now.
    bool add(const NodeId& node, const crypto::VerifyKey& key, const std::string& how);
    void remove(const NodeId& node) { m_nodes.erase(node); }
    /// Durable once it returned.
    void save(const Layout& layout) const;

    struct Entry {
        crypto::VerifyKey key;
        std::string how;
    };
    const std::map<NodeId, Entry>& nodes() const { return m_nodes; }

private:
    std::map<NodeId, Entry> m_nodes;
};

/// This node's id and signing key: node/node.toml. Made at the first start.
class Node {
public:
    /// Reads it, or makes it (durably) where there is none. A machine-id that changed means that
    /// the machine was cloned: the node takes a new id and key, trusts the old one, and `notice`
    /// says so. Throws Error(Corrupt) where the file is damaged, saying what to do.
    static Node loadOrMake(const Layout& layout, const std::string& name, std::string& notice,
                           const std::filesystem::path& machineIdFile = "/etc/machine-id");

    struct Identity {
        NodeId id;
        crypto::VerifyKey key;
    };
    /// Whom the file names, for a command that only looks; nothing where there is no node yet.
    /// Throws as loadOrMake() does.
    static std::optional<Identity> look(const Layout& layout);

    const NodeId& id() const { return m_id; }
    const std::string& name() const { return m_name; }
    const crypto::SigningKey& key() const { return m_key; }

private:
    Node(NodeId id, std::string name, crypto::SigningKey key)
        : m_id(std::move(id)), m_name(std::move(name)), m_key(std::move(key)) {}
    static Node make(const Layout& layout, const std::string& name, const std::string& machineId);
    NodeId m_id;
    std::string m_name;
    crypto::SigningKey m_key;
};

}  // namespace gateway
