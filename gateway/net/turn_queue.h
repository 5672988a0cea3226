// Who may try a password next: a few at once, networks in turn. For whatever costs much CPU before
// it is known whose it is: unlocking mailboxes, logging in to the page.
// Never locks anybody out: pollers retry stale passwords for ever, and theirs is only slower.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>

namespace gateway::net {

/// Belongs to the I/O thread; outlives every turn.
class TurnQueue {
public:
    struct Limits {
        std::size_t atOnce = 2;
        std::size_t waitingPerNetwork = 4;
        std::size_t waiting = 64;
    };
    /// The right to use the CPU for one try; given to the next when it goes.
    class Turn {
    public:
        explicit Turn(TurnQueue& queue) : m_queue(&queue) {}
        ~Turn();
        Turn(Turn&& other) noexcept : m_queue(other.m_queue) { other.m_queue = nullptr; }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        Turn& operator=(Turn&&) = delete;

    private:
        TurnQueue* m_queue;
    };

    TurnQueue(asio::any_io_executor io, Limits limits) : m_io(std::move(io)), m_limits(limits) {}

    /// Waits for a turn; networks that wait are served one after the other, each in order of
    /// arrival. Nothing where too many wait already, in all or from this network.
    asio::awaitable<std::optional<Turn>> turn(std::string network);

    std::size_t waiting() const { return m_waiting; }

private:
    struct Waiter {
        explicit Waiter(const asio::any_io_executor& io)
            : wake(io, asio::steady_timer::time_point::max()) {}
        asio::steady_timer wake;
        bool called = false;
    };
    void release();

    asio::any_io_executor m_io;
    Limits m_limits;
    std::size_t m_running = 0;
    std::size_t m_waiting = 0;
    std::map<std::string, std::deque<Waiter*>> m_networks;
    std::deque<std::string> m_order;  ///< of the networks that wait, the next one first
};

/// How long the answer to a wrong password waits: longer with each recent failure of the network, a
/// second at most; forgotten by halves every minute. Bounded in memory.
class FailureDelay {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::milliseconds kStep{100};
    static constexpr std::chrono::milliseconds kMost{1000};
    static constexpr std::size_t kMostNetworks = 10'000;

    /// Counts a failure at `now` and says how long its answer waits.
    std::chrono::milliseconds afterFailure(const std::string& network, Time now);

private:
    struct Failures {
        unsigned count = 0;
        Time last;
    };
    std::map<std::string, Failures> m_failures;
};

/// Log-ins that were put off, by network: told of at once, then once a minute with their number, so
/// that a flood of them is no flood of log lines. Bounded in memory.
class PutOffs {
public:
    using Time = std::chrono::steady_clock::time_point;

    /// Counts one. How many are to be told of now: this one and those before it; none: not yet.
    std::size_t add(const std::string& network, Time now);
    /// Networks whose minute is over, with those that were not told of; the quiet are forgotten.
    std::vector<std::pair<std::string, std::size_t>> overdue(Time now);

private:
    struct Count {
        std::size_t untold = 0;
        Time lastTold;
    };
    std::map<std::string, Count> m_networks;
};

}  // namespace gateway::net
