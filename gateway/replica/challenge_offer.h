// What a node that orders a certificate tells its twins, so that they answer the authority too: the
// challenges of one order, signed (RFC 8555 section 8; docs/replica.md). Never holds a secret: all
// of it is what an authority is told in the clear. No socket, no file, no clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "crypto/signature.h"
#include "gateway/base/clock.h"
#include "gateway/mail/node_id.h"

namespace gateway::replica {

/// What proves one name to an authority.
struct SharedChallenge {
    std::string type;  ///< "http-01" or "tls-alpn-01"
    std::string name;  ///< lower case
    std::string token;
    std::string keyAuthorization;
    bool operator==(const SharedChallenge&) const = default;
};

/// All that a node is being asked to prove now. The next one of the same node replaces it; one
/// without challenges takes it back.
struct ChallengeOffer {
    ChallengeOffer(NodeId id, crypto::VerifyKey nodeKey)
        : node(std::move(id)), key(std::move(nodeKey)) {}

    static constexpr std::size_t kMostChallenges = 64;
    /// How long an order may take, and clocks be apart.
    static constexpr std::chrono::minutes kLasts{35};
    /// What ends later is refused: what somebody has kept soon counts no more.
    static constexpr std::chrono::minutes kMostLasts{60};

    NodeId node;
    crypto::VerifyKey key;
    std::uint64_t sequence = 0;  ///< greater than that of the one before it
    WallTime expires;
    std::vector<SharedChallenge> challenges;

    /// {node, node_key, sequence, expires, challenges: [{type, name, token, key_authorization}],
    /// signature}. Throws Error where a name is no UTF-8.
    nlohmann::json signedBy(const crypto::SigningKey& nodeKey) const;
    /// What `node_key` has signed, of right form and not over; else nothing, and `why` says it.
    /// Whether that key counts is for the caller to judge.
    static std::optional<ChallengeOffer> parse(const nlohmann::json& object, WallTime now,
                                               std::string& why);
};

}  // namespace gateway::replica
