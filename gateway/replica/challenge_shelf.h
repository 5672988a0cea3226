// The challenges that this node answers for its twins: of each the newest offer, until it is over.
// Never keeps one on the disk, nor takes one back up that a newer one has replaced.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "gateway/replica/challenge_offer.h"

namespace gateway::replica {

/// Belongs to the I/O thread. Its caller has judged whose offers count.
class ChallengeShelf {
public:
    /// Nodes of which offers are kept.
    static constexpr std::size_t kMostNodes = 16;

    /// False where one of that node is there that is as new (a replay), or there are too many.
    bool take(ChallengeOffer offer, WallTime now);
    /// Offers of others are forgotten. Whether there were any.
    bool keepOnly(
        const std::function<bool(const NodeId& node, const crypto::VerifyKey& key)>& counts);
    /// Of the newest offer of that node; 0 where there is none.
    std::uint64_t sequenceOf(const NodeId& node) const;

    struct Held {
        SharedChallenge challenge;
        WallTime expires;
    };
    std::vector<Held> held(WallTime now) const;

private:
    /// Also without challenges: as long as an older one of the same node could be played again.
    std::map<NodeId, ChallengeOffer> m_offers;
};

}  // namespace gateway::replica
