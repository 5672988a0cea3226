// Challenges of ACME orders on their way between this node and a twin that it calls
// (docs/replica.md): each learns what the other wants shown. Never decides whose count.
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/base/log.h"
#include "gateway/replica/twin.h"
#include "gateway/replica/twin_answer.h"

namespace gateway::replica {

namespace {

using nlohmann::json;

/// There and back, and once more to say that it came.
constexpr int kRounds = 3;
constexpr std::chrono::seconds kPatience{10};
/// An offer, and what stands around it.
constexpr std::size_t kMostOffer = std::size_t{96} << 10U;

std::uint64_t numberIn(const json& object, const char* name) {
    const json number = object.value(name, json());
    return number.is_number_unsigned() ? number.get<std::uint64_t>() : 0;
}

}  // namespace

void Twin::challengesChanged() {
    m_challengesWanted = true;
    m_challengePause.cancel();
}

void Twin::heardChallenges(std::uint64_t sequence) {
    if (!m_over && sequence != m_challengesOfIt) {
        m_challengesWanted = true;
        if (m_challengesIdle) {  // else after the pause: it may say so as often as it likes
            m_challengePause.cancel();
        }
    }
}

asio::awaitable<void> Twin::shareChallenges(std::shared_ptr<Twin> self) {
    unsigned failures = 0;
    while (!self->m_over) {
        if (!self->m_challengesWanted) {
            self->m_challengePause.expires_at(std::chrono::steady_clock::time_point::max());
            self->m_challengesIdle = true;
            asio::error_code woken;
            co_await self->m_challengePause.async_wait(
                asio::redirect_error(asio::use_awaitable, woken));
            self->m_challengesIdle = false;
            continue;
        }
        self->m_challengesWanted = false;
        const bool done = co_await self->attemptChallenges();
        failures = done ? 0 : failures + 1;
        // What it offers itself it tells again by its stream.
        self->m_challengesWanted |= !done && self->offersChallenges();
        if (!self->m_over) {
            self->m_challengePause.expires_after(done ? self->m_pace.least
                                                      : self->pauseAfter(failures - 1));
            asio::error_code woken;
            co_await self->m_challengePause.async_wait(
                asio::redirect_error(asio::use_awaitable, woken));
        }
    }
}

bool Twin::offersChallenges() const {
    const json offer = m_engine.challenges();
    return offer.is_object() && !offer.value("challenges", json::array()).empty();
}

asio::awaitable<bool> Twin::attemptChallenges() {
    std::string trouble;
    try {
        co_await exchangeChallenges();
    } catch (const Trouble& why) {
        trouble = why.text;
    } catch (const std::exception& error) {
        trouble = error.what();
    }
    // An exchange of records tells what keeps the two from each other.
    if (!trouble.empty() && m_challengeTrouble.empty() && m_failures == 0 && !m_over) {
        log::warning("ACME challenges are not exchanged with a twin",
                     {{"twin", m_address.url}, {"cause", trouble}});
    }
    m_challengeTrouble = trouble;
    co_return trouble.empty();
}

asio::awaitable<void> Twin::exchangeChallenges() {
    co_await readToken();
    for (int round = 0; round < kRounds && !m_over; ++round) {
        HttpCall call = callOf("POST", "/challenges");
        call.headers.emplace_back("Content-Type", "application/json");
        call.body = json{{"offer", m_engine.challenges()}, {"have", m_challengesOfIt}}.dump();
        call.mostBody = kMostOffer;
        call.time = kPatience;
        const std::uint64_t said = m_challengesOfIt;
        const HttpAnswer answer = co_await ask(std::move(call));
        json told = objectIn(answer);
        m_challengesThere = numberIn(told, "have");
        m_engine.challengesThere();
        json offer = told.value("offer", json());
        if (offer.is_null()) {
            co_return;
        }
        const TakenChallenges taken = co_await m_engine.takeChallenges(std::move(offer));
        if (!taken.refused.empty()) {
            throw Trouble{taken.refused, ""};
        }
        m_challengesOfIt = taken.held;
        if (m_challengesOfIt == said) {
            co_return;
        }
    }
}

}  // namespace gateway::replica
