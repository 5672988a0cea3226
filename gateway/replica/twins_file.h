// The twins that were joined by command: <data>/config/twins.toml. Written by `postern twin` only.
// Never holds a secret: what opens a twin's door lies in node/twins/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/signature.h"
#include "gateway/base/clock.h"
#include "gateway/mail/layout.h"
#include "gateway/mail/node_id.h"

namespace gateway::replica {

/// A node that this one is paired with. One of the two calls the other.
struct JoinedTwin {
    JoinedTwin(NodeId id, crypto::VerifyKey nodeKey)
        : node(std::move(id)), key(std::move(nodeKey)) {}
    NodeId node;
    crypto::VerifyKey key;
    std::string name;         ///< its hostname, for people
    std::string url;          ///< where this node calls it; empty where it calls us
    std::string fingerprint;  ///< of its certificate's key, hex; empty: verified by CA
    std::string token;        ///< the id of the token that it shows us; empty where we call
    WallTime joined;
};

/// A value.
class TwinsFile {
public:
    /// Blocking. Empty where there is no file. Throws Error saying what to do.
    static TwinsFile load(const Layout& layout);
    /// Blocking; durable once it returned.
    void save(const Layout& layout) const;

    const std::vector<JoinedTwin>& twins() const { return m_twins; }
    /// In the place of one of the same node.
    void put(JoinedTwin twin);
    /// By its node's id, its name or its URL; nothing where there is none, or several.
    std::optional<JoinedTwin> find(std::string_view name) const;
    void remove(const NodeId& node);

private:
    std::vector<JoinedTwin> m_twins;
};

}  // namespace gateway::replica
