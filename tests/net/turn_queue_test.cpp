// Whose turn it is: a few at once, networks one after the other, nobody locked out.
#include "gateway/net/turn_queue.h"

#include <memory>
#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

using gateway::net::FailureDelay;
using gateway::net::PutOffs;
using gateway::net::TurnQueue;

namespace {

/// A queue, and sessions that keep their turn until the test lets it go.
struct House {
    explicit House(TurnQueue::Limits limits) : queue(io.get_executor(), limits) {}

    void arrive(const std::string& network, const std::string& name) {
        asio::co_spawn(io, session(network, name), asio::detached);
        settle();
    }

    asio::awaitable<void> session(std::string network, std::string name) {
        auto turn = co_await queue.turn(network);
        if (turn) {
            served.push_back(name);
            turns.push_back(std::make_unique<TurnQueue::Turn>(std::move(*turn)));
        } else {
            refused.push_back(name);
        }
    }

    /// The one that has had its turn for longest is done.
    void finishOne() {
        turns.erase(turns.begin());
        settle();
    }

    void settle() {
        io.restart();
        io.poll();
    }

    asio::io_context io{1};
    TurnQueue queue;
    std::vector<std::string> served;
    std::vector<std::string> refused;
    std::vector<std::unique_ptr<TurnQueue::Turn>> turns;
};

TurnQueue::Limits limitsOf(std::size_t atOnce, std::size_t perNetwork, std::size_t waiting) {
    TurnQueue::Limits limits;
    limits.atOnce = atOnce;
    limits.waitingPerNetwork = perNetwork;
    limits.waiting = waiting;
    return limits;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("a few at once, the others wait for a turn that ends") {
    House house(limitsOf(2, 4, 64));
    house.arrive("a", "a1");
    house.arrive("a", "a2");
    house.arrive("a", "a3");
    CHECK(house.served == Names{"a1", "a2"});
    CHECK(house.queue.waiting() == 1);
    house.finishOne();
    CHECK(house.served == Names{"a1", "a2", "a3"});
    house.finishOne();
    house.finishOne();
    house.arrive("a", "a4");
    CHECK(house.served.back() == "a4");
}

TEST_CASE("networks are served one after the other, each in its order") {
    House house(limitsOf(1, 4, 64));
    for (const char* const name : {"a0", "a1", "a2", "a3"}) {
        house.arrive("a", name);
    }
    house.arrive("b", "b1");
    house.arrive("c", "c1");
    house.arrive("b", "b2");
    while (!house.turns.empty()) {
        house.finishOne();
    }
    CHECK(house.served == Names{"a0", "a1", "b1", "c1", "a2", "b2", "a3"});
}

TEST_CASE("too many of one network, or in all, are told to come again; the others still wait") {
    House house(limitsOf(1, 2, 3));
    for (const char* const name : {"a0", "a1", "a2", "a3"}) {
        house.arrive("a", name);
    }
    CHECK(house.refused == Names{"a3"});
    house.arrive("b", "b1");
    house.arrive("c", "c1");
    CHECK(house.refused == Names{"a3", "c1"});
    while (!house.turns.empty()) {
        house.finishOne();
    }
    CHECK(house.served == Names{"a0", "a1", "b1", "a2"});
    CHECK(house.queue.waiting() == 0);
}

TEST_CASE("failures are slowed by network, a second at most, and forgiven with time") {
    FailureDelay delay;
    FailureDelay::Time now{};
    CHECK(delay.afterFailure("a", now) == FailureDelay::kStep);
    CHECK(delay.afterFailure("a", now) == 2 * FailureDelay::kStep);
    for (int i = 0; i < 100; ++i) {
        delay.afterFailure("a", now);
    }
    CHECK(delay.afterFailure("a", now) == FailureDelay::kMost);
    CHECK(delay.afterFailure("b", now) == FailureDelay::kStep);
    CHECK(delay.afterFailure("a", now + std::chrono::hours(1)) == FailureDelay::kStep);
}

TEST_CASE("log-ins put off are told of at once, then once a minute with their number") {
    using Told = std::vector<std::pair<std::string, std::size_t>>;
    PutOffs putOffs;
    PutOffs::Time now{};
    CHECK(putOffs.add("a", now) == 1);
    now += std::chrono::seconds(1);
    CHECK(putOffs.add("a", now) == 0);
    CHECK(putOffs.add("a", now) == 0);
    CHECK(putOffs.add("b", now) == 1);
    CHECK(putOffs.overdue(now).empty());
    now += std::chrono::seconds(59);
    CHECK(putOffs.overdue(now) == Told{{"a", 2}});
    CHECK(putOffs.overdue(now).empty());
    CHECK(putOffs.add("a", now) == 0);
    now += std::chrono::minutes(1);
    CHECK(putOffs.add("a", now) == 2);
    now += std::chrono::minutes(1);
    CHECK(putOffs.overdue(now).empty());
    CHECK(putOffs.add("a", now) == 1);
}
