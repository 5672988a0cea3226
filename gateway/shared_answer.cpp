#include "gateway/shared_answer.h"

#include <algorithm>

namespace gateway {

namespace {

using Clock = std::chrono::steady_clock;

/// How old an answer may be that is shown; and how many times what it took to make it.
constexpr Clock::duration kFresh = std::chrono::seconds(1);
constexpr int kFreshTimes = 5;

}  // namespace

asio::awaitable<std::shared_ptr<const nlohmann::json>> SharedAnswer::get() {
    const net::OneAtATime::Turn turn = co_await m_one.turn();
    const auto begun = Clock::now();
    if (m_shown && m_changesShown == m_changes && begun < m_freshUntil) {
        co_return m_shown;
    }
    // A change while it is made may be in it or not: who asks after that change gets a new one.
    const auto changes = m_changes;
    nlohmann::json made = co_await m_make();
    const auto end = Clock::now();
    m_shown = std::make_shared<const nlohmann::json>(std::move(made));
    m_changesShown = changes;
    m_freshUntil = end + std::max(kFresh, kFreshTimes * (end - begun));
    co_return m_shown;
}

}  // namespace gateway
