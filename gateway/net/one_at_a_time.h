// Work that many may ask for and that only one at a time shall cost: who comes meanwhile waits.
// Never keeps an order among those who wait.
#pragma once

#include <chrono>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

namespace gateway::net {

/// Belongs to the I/O thread; must outlive its turns.
class OneAtATime {
public:
    explicit OneAtATime(const asio::any_io_executor& executor) : m_over(executor) {
        m_over.expires_at(std::chrono::steady_clock::time_point::max());
    }

    /// Lets the next one in when it goes.
    class Turn {
    public:
        explicit Turn(OneAtATime& all) : m_all(&all) { m_all->m_taken = true; }
        ~Turn() {
            if (m_all != nullptr) {
                m_all->m_taken = false;
                m_all->m_over.cancel_one();
            }
        }
        Turn(Turn&& other) noexcept : m_all(std::exchange(other.m_all, nullptr)) {}
        Turn& operator=(Turn&&) = delete;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

    private:
        OneAtATime* m_all;
    };

    asio::awaitable<Turn> turn();

private:
    bool m_taken = false;
    asio::steady_timer m_over;  ///< one of those who wait is woken by each end of a turn
};

}  // namespace gateway::net
