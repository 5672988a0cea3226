// What two nodes say when they meet: who each is, and the digest of what it knows. Never trusts a
// word of it: who is who is known by tokens, certificates and signatures. No socket.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "crypto/signature.h"
#include "gateway/mail/node_id.h"

namespace gateway::replica {

struct Greeting {
    Greeting(NodeId id, crypto::VerifyKey nodeKey) : node(std::move(id)), key(std::move(nodeKey)) {}
    /// Of the protocol that this program speaks.
    static constexpr std::int64_t kFormat = 1;

    std::int64_t format = kFormat;
    NodeId node;
    crypto::VerifyKey key;
    std::string name;     ///< its hostname, printable
    std::string domain;   ///< of the mailboxes
    std::string version;  ///< of its program, printable
    std::string digest;
    std::string waiting;  ///< the mark of its news of what waits; empty where it tells none

    /// {format, node, node_key, node_name, domain, version, digest, waiting}
    nlohmann::json toJson() const;
    /// Nothing where it is none; fields that a later version added are not looked at. Of another
    /// format only who it is can be told, which whyNoTwins() refuses.
    static std::optional<Greeting> parse(const nlohmann::json& object);
};

/// Why the two cannot be twins; empty where they can.
std::string whyNoTwins(const Greeting& self, const Greeting& other);

}  // namespace gateway::replica
