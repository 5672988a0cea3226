// An answer that many ask for and that costs much to make: made once, and shown to all for a while.
// Never shows, to who asks after a change was told, what was made before it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include "gateway/net/one_at_a_time.h"

namespace gateway {

/// Belongs to the I/O thread.
class SharedAnswer {
public:
    using Make = std::function<asio::awaitable<nlohmann::json>()>;

    SharedAnswer(const asio::any_io_executor& executor, Make make)
        : m_one(executor), m_make(std::move(make)) {}

    /// What was made at most a moment ago, or a new one: one is made at a time, and all who come
    /// meanwhile get the same. Throws what making it throws.
    asio::awaitable<std::shared_ptr<const nlohmann::json>> get();

    /// Something it tells of has changed.
    void expire() { ++m_changes; }

private:
    net::OneAtATime m_one;
    const Make m_make;
    std::shared_ptr<const nlohmann::json> m_shown;  ///< null until one was made
    unsigned long long m_changes = 0;
    unsigned long long m_changesShown = 0;  ///< those that m_shown surely knows of
    std::chrono::steady_clock::time_point m_freshUntil;
};

}  // namespace gateway
