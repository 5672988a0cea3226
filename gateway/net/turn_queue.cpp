#include "gateway/net/turn_queue.h"

#include <algorithm>

#include <asio/ip/address.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

namespace gateway::net {

namespace {

constexpr std::chrono::minutes kBetweenLines{1};

}  // namespace

TurnQueue::Turn::~Turn() {
    if (m_queue != nullptr) {
        m_queue->release();
    }
}

asio::awaitable<std::optional<TurnQueue::Turn>> TurnQueue::turn(std::string network) {
    if (m_running < m_limits.atOnce) {
        ++m_running;
        co_return Turn(*this);
    }
    const auto known = m_networks.find(network);
    const bool firstOfNetwork = known == m_networks.end();
    if (m_waiting >= m_limits.waiting ||
        (!firstOfNetwork && known->second.size() >= m_limits.waitingPerNetwork)) {
        co_return std::nullopt;
    }
    Waiter waiter(m_io);
    if (firstOfNetwork) {
        m_order.push_back(network);
    }
    m_networks[network].push_back(&waiter);
    ++m_waiting;
    while (!waiter.called) {
        asio::error_code ignored;
        co_await waiter.wake.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return Turn(*this);
}

/// Hands the place on; m_running stays as it is where somebody waits.
void TurnQueue::release() {
    if (m_order.empty()) {
        --m_running;
        return;
    }
    const std::string network = std::move(m_order.front());
    m_order.pop_front();
    const auto queue = m_networks.find(network);
    Waiter* const next = queue->second.front();
    queue->second.pop_front();
    --m_waiting;
    if (queue->second.empty()) {
        m_networks.erase(queue);
    } else {
        m_order.push_back(network);
    }
    next->called = true;
    next->wake.cancel();
}

std::chrono::milliseconds FailureDelay::afterFailure(const std::string& network, Time now) {
    if (m_failures.size() >= kMostNetworks && !m_failures.contains(network)) {
        m_failures.clear();  // to be slowed anew costs an attacker one more round, us no memory
    }
    Failures& failures = m_failures[network];
    for (; failures.count > 0 && now - failures.last >= std::chrono::minutes(1);
         failures.last += std::chrono::minutes(1)) {
        failures.count /= 2;
    }
    failures.last = now;
    ++failures.count;
    return std::min<std::chrono::milliseconds>(failures.count * kStep, kMost);
}

std::size_t PutOffs::add(const std::string& network, Time now) {
    if (m_networks.size() >= FailureDelay::kMostNetworks && !m_networks.contains(network)) {
        m_networks.clear();  // its numbers go untold: so many networks are told of by themselves
    }
    const auto [known, isNew] = m_networks.try_emplace(network);
    Count& count = known->second;
    ++count.untold;
    if (!isNew && now - count.lastTold < kBetweenLines) {
        return 0;
    }
    count.lastTold = now;
    return std::exchange(count.untold, 0);
}

std::vector<std::pair<std::string, std::size_t>> PutOffs::overdue(Time now) {
    std::vector<std::pair<std::string, std::size_t>> found;
    for (auto at = m_networks.begin(); at != m_networks.end();) {
        auto& [network, count] = *at;
        if (now - count.lastTold < kBetweenLines) {
            ++at;
        } else if (count.untold > 0) {
            count.lastTold = now;
            found.emplace_back(network, std::exchange(count.untold, 0));
            ++at;
        } else {
            at = m_networks.erase(at);
        }
    }
    return found;
}

}  // namespace gateway::net
