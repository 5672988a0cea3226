// ACME challenges between twins (docs/replica.md): what this node wants its twins to show, and what
// it shows for them. Never lets one count that no trusted node has signed.
#include <algorithm>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/base/log.h"
#include "gateway/net/offload.h"
#include "gateway/twins.h"

namespace gateway {

namespace {

using nlohmann::json;
using webui::Refused;

/// An order waits so long for twins to say that they know.
constexpr std::chrono::seconds kPatience{10};

std::uint64_t millisecondsOf(WallTime time) {
    using std::chrono::milliseconds;
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count());
}

}  // namespace

asio::awaitable<void> Twins::announce(std::vector<replica::SharedChallenge> challenges) {
    const bool isEnd = challenges.empty();
    if (isEnd && !m_offersChallenges) {
        co_return;
    }
    offer(std::move(challenges));
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!isEnd && m_running && !allKnowChallenges() &&
           std::chrono::steady_clock::now() < deadline) {
        m_toldChallenges.expires_at(deadline);
        asio::error_code woken;
        co_await m_toldChallenges.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    }
    if (!isEnd && m_running && !allKnowChallenges()) {
        log::info("a twin does not know the ACME challenges yet; the order goes on without it");
    }
}

/// In the place of what was offered before.
void Twins::offer(std::vector<replica::SharedChallenge> challenges) {
    const WallTime now = std::chrono::system_clock::now();
    const Node& node = m_house.keeper.self();
    replica::ChallengeOffer offer(node.id(), node.key().verifyKey());
    // Greater than before also after a restart; a clock that was set back is seen for an hour.
    m_challengesSequence = std::max(m_challengesSequence + 1, millisecondsOf(now));
    offer.sequence = m_challengesSequence;
    offer.expires = now + replica::ChallengeOffer::kLasts;
    m_offersChallenges = !challenges.empty();
    offer.challenges = std::move(challenges);
    m_challenges = offer.signedBy(node.key());
    m_feed.tellChallenges(m_challengesSequence);
    for (const auto& twin : m_twins) {
        twin->challengesChanged();
    }
}

bool Twins::allKnowChallenges() const {
    const auto knows = [this](const std::string& token) {
        const auto found = m_challengesAt.find(token);
        return found != m_challengesAt.end() && found->second == m_challengesSequence;
    };
    const auto& joined = m_joined.twins();
    const std::set<std::string> listeners = m_feed.listeners();
    return std::all_of(m_twins.begin(), m_twins.end(),
                       [this](const auto& twin) {
                           return twin->challengesThere() == m_challengesSequence;
                       }) &&
           std::all_of(joined.begin(), joined.end(),
                       [&](const auto& twin) { return !twin.url.empty() || knows(twin.token); }) &&
           std::all_of(listeners.begin(), listeners.end(), knows);
}

asio::awaitable<replica::TakenChallenges> Twins::takeChallenges(json object) {
    replica::TakenChallenges taken;
    const auto offer =
        replica::ChallengeOffer::parse(object, std::chrono::system_clock::now(), taken.refused);
    if (!offer) {
        co_return taken;
    }
    auto judge = [this, &offer] {
        return m_house.keeper.trusted().trusts(offer->node, offer->key);
    };
    if (!co_await net::offload(m_house.records, judge)) {
        taken.refused = "node " + offer->node.str() + ", which signed them, is not trusted here";
        co_return taken;
    }
    const WallTime now = std::chrono::system_clock::now();
    if (m_shelf.take(*offer, now)) {
        log::info(offer->challenges.empty()
                      ? "a twin's ACME order is over"
                      : "a twin orders a certificate; its challenges are answered here too",
                  {{"node", offer->node.str()}, {"challenges", offer->challenges.size()}});
        m_house.showChallenges(m_shelf.held(now));
    }
    taken.held = m_shelf.sequenceOf(offer->node);
    co_return taken;
}

asio::awaitable<net::HttpResponse> Twins::exchangeChallenges(webui::Call call) {
    const json have = call.body.value("have", json());
    json offered = call.body.value("offer", json());
    if (!have.is_number_unsigned() || (!offered.is_null() && !offered.is_object())) {
        throw Refused{400, "bad_request", "That is no exchange of ACME challenges."};
    }
    replica::TakenChallenges taken;
    if (!offered.is_null()) {
        taken = co_await takeChallenges(std::move(offered));
    }
    if (!taken.refused.empty()) {
        if (m_refusedChallenges.insert(call.caller.token).second) {
            log::warning("ACME challenges that a twin's token brought are not answered here",
                         {{"token", call.caller.name},
                          {"peer", call.caller.peer},
                          {"cause", taken.refused}});
        }
        throw Refused{403, "forbidden", "These challenges are not answered: " + taken.refused};
    }
    m_challengesAt[call.caller.token] = have.get<std::uint64_t>();
    m_toldChallenges.cancel();
    co_return webui::jsonResponse(200, {{"offer", m_challenges}, {"have", taken.held}});
}

/// After nodes came to be trusted, or were parted from.
asio::awaitable<void> Twins::judgeChallengesAnew() {
    auto look = [this] { return m_house.keeper.trusted(); };
    const TrustedNodes trusted = co_await net::offload(m_house.records, look);
    if (m_shelf.keepOnly([&trusted](const NodeId& node, const crypto::VerifyKey& key) {
            return trusted.trusts(node, key);
        })) {
        m_house.showChallenges(m_shelf.held(std::chrono::system_clock::now()));
    }
}

}  // namespace gateway
