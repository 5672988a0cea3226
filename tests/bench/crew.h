// The threads of a load, one a connection: they prepare, begin together when told to, and add up
// what they saw. Never goes on by itself: the caller measures the server while all stand ready.
#pragma once

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

/// What one connection did; then what all did.
struct Tally {
    long done = 0;
    long failed = 0;
    std::uint64_t octets = 0;
    std::vector<float> waits;  ///< milliseconds, of whatever the load is about
    Clock::time_point last;    ///< when the last one was done
    std::string trouble;       ///< the first
    void count(std::uint64_t size, Clock::time_point since);
    void fail(const std::string& what);
    void add(const Tally& other);
};

class Crew {
public:
    Crew(std::size_t connections, std::chrono::duration<double> time)
        : m_connections(connections),
          m_time(time),
          m_ready(static_cast<std::ptrdiff_t>(connections) + 1) {}

    /// Given to each worker: `begin` returns when all begin.
    struct Work {
        std::size_t number;
        std::function<void()> begin;
        std::function<bool()> timeLeft;
        Tally& tally;
    };
    /// Says "ready" on standard output once all are, begins after a line on standard input, and
    /// prints the figures as one line of JSON. Returns whether nothing failed.
    bool run(const std::function<void(Work&)>& worker);

private:
    void report(const Tally& all, double cpu) const;

    std::size_t m_connections;
    std::chrono::duration<double> m_time;
    std::barrier<> m_ready;
    std::atomic<Clock::time_point> m_start{};
};

}  // namespace bench
