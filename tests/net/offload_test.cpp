// Work on another thread: results and exceptions come back, the caller stays on its own.
#include "gateway/net/offload.h"

#include <memory>
#include <stdexcept>
#include <thread>

#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <doctest/doctest.h>

using gateway::net::offload;

namespace {

/// Runs a coroutine on this thread to its end and throws what it threw.
void run(asio::awaitable<void> work) {
    asio::io_context io{1};
    std::exception_ptr thrown;
    asio::co_spawn(io, std::move(work), [&](std::exception_ptr error) { thrown = error; });
    io.run();
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

}  // namespace

TEST_CASE("a result comes back to the caller's thread, also one that has no default") {
    struct NoDefault {
        explicit NoDefault(int number) : value(std::make_unique<int>(number)) {}
        std::unique_ptr<int> value;
    };
    asio::thread_pool pool(1);
    const auto home = std::this_thread::get_id();
    std::thread::id away;
    auto coroutine = [&]() -> asio::awaitable<void> {
        auto work = [&away] {
            away = std::this_thread::get_id();
            return NoDefault(7);
        };
        const NoDefault result = co_await offload(pool, work);
        CHECK(*result.value == 7);
        CHECK(std::this_thread::get_id() == home);
    };
    run(coroutine());
    CHECK(away != home);
}

TEST_CASE("what the work throws is thrown to the caller") {
    asio::thread_pool pool(1);
    auto coroutine = [&]() -> asio::awaitable<void> {
        auto work = [] { throw std::runtime_error("broken"); };
        co_await offload(pool, work);
    };
    CHECK_THROWS_WITH(run(coroutine()), "broken");
}
