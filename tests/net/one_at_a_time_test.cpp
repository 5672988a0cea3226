// Turns: never two at once, whoever leaves and however, and nobody is forgotten.
#include "gateway/net/one_at_a_time.h"

#include <algorithm>
#include <stdexcept>

#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <doctest/doctest.h>

using gateway::net::OneAtATime;

TEST_CASE("one is in at a time, and all come in, also where one of them throws") {
    asio::io_context io{1};
    OneAtATime door(io.get_executor());
    int inside = 0;
    int most = 0;
    int done = 0;
    auto visit = [&](int number) -> asio::awaitable<void> {
        const OneAtATime::Turn turn = co_await door.turn();
        most = std::max(most, ++inside);
        for (int step = 0; step < 3; ++step) {
            co_await asio::post(io, asio::use_awaitable);  // the others go on meanwhile
        }
        --inside;
        ++done;
        if (number % 3 == 0) {
            throw std::runtime_error("left by an exception");
        }
    };
    int thrown = 0;
    for (int number = 0; number < 10; ++number) {
        asio::co_spawn(io, visit(number),
                       [&](std::exception_ptr failure) { thrown += failure ? 1 : 0; });
    }
    io.run();
    CHECK(most == 1);
    CHECK(done == 10);
    CHECK(thrown == 4);
}
