// What two nodes say when they meet: who each is, and the digest of what it knows. Never trusts a
// word of it: who is who is known by tokens, certificates and signatures. No socket.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "crypto/signature.h"
#include "gateway/mail/node_id.h"

namespace gateway::replica {

struct Greeting {
    Greeting(NodeId id, crypto::VerifyKey nodeKey) : node(std::move(id)), key(std::move(nodeKey)) {}
    NodeId node;
    crypto::VerifyKey key;
    std::string name;     ///< its hostname, printable
    std::string domain;   ///< of the mailboxes
    std::string version;  ///< of its program, printable
    std::string digest;

    /// {format, node, node_key, node_name, domain, version, digest}
    nlohmann::json toJson() const;
    /// Nothing where it is none; fields that a later version added are not looked at.
    static std::optional<Greeting> parse(const nlohmann::json& object);
};

/// Why the two cannot be twins; empty where they can.
std::string whyNoTwins(const Greeting& self, const Greeting& other);

}  // namespace gateway::replica
