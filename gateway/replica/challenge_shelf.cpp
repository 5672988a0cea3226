#include "gateway/replica/challenge_shelf.h"

namespace gateway::replica {

bool ChallengeShelf::take(ChallengeOffer offer, WallTime now) {
    // An older one that was replaced ends no later than an hour after that, by its own word.
    std::erase_if(m_offers, [&](const auto& entry) {
        return entry.second.expires + ChallengeOffer::kMostLasts <= now;
    });
    const auto found = m_offers.find(offer.node);
    if (found == m_offers.end()) {
        if (m_offers.size() >= kMostNodes) {
            return false;
        }
        const NodeId node = offer.node;
        m_offers.try_emplace(node, std::move(offer));
        return true;
    }
    if (offer.sequence <= found->second.sequence) {
        return false;
    }
    found->second = std::move(offer);
    return true;
}

bool ChallengeShelf::keepOnly(
    const std::function<bool(const NodeId& node, const crypto::VerifyKey& key)>& counts) {
    return std::erase_if(m_offers, [&](const auto& entry) {
               return !counts(entry.first, entry.second.key);
           }) > 0;
}

std::uint64_t ChallengeShelf::sequenceOf(const NodeId& node) const {
    const auto found = m_offers.find(node);
    return found == m_offers.end() ? 0 : found->second.sequence;
}

std::vector<ChallengeShelf::Held> ChallengeShelf::held(WallTime now) const {
    std::vector<Held> all;
    for (const auto& [node, offer] : m_offers) {
        for (const SharedChallenge& challenge : offer.challenges) {
            if (offer.expires > now) {
                all.push_back({challenge, offer.expires});
            }
        }
    }
    return all;
}

}  // namespace gateway::replica
