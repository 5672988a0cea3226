// Answers that are shared: made once for all who ask, and never shown to who asks after a change.
#include "gateway/shared_answer.h"

#include <vector>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <doctest/doctest.h>

using gateway::SharedAnswer;

namespace {

/// Answers are numbered in the order in which their making began.
struct Made {
    asio::io_context io{1};
    int begun = 0;
    std::function<void()> once;  ///< while the first is made
    SharedAnswer answer{io.get_executor(), [this] { return make(); }};
    std::vector<int> got;

    asio::awaitable<nlohmann::json> make() {
        const int number = ++begun;
        co_await asio::post(io, asio::use_awaitable);  // who asks meanwhile comes now
        if (number == 1 && once) {
            once();
        }
        co_return nlohmann::json(number);
    }
    asio::awaitable<void> ask() {
        const auto shown = co_await answer.get();
        got.push_back(shown->get<int>());
    }
    void askTimes(int times) {
        for (int time = 0; time < times; ++time) {
            asio::co_spawn(io, ask(), asio::detached);
        }
        io.run();
        io.restart();
    }
};

}  // namespace

TEST_CASE("who asks while an answer is made, or soon after, gets the same") {
    Made made;
    made.askTimes(3);
    made.askTimes(1);
    CHECK(made.got == std::vector{1, 1, 1, 1});
}

TEST_CASE("who asks after a change gets what was made after it") {
    Made made;
    made.askTimes(1);
    made.answer.expire();
    made.askTimes(2);
    CHECK(made.got == std::vector{1, 2, 2});
}

TEST_CASE("an answer during whose making something changed is not shown to those who ask later") {
    Made made;
    made.once = [&] { made.answer.expire(); };
    made.askTimes(1);
    made.askTimes(1);
    CHECK(made.got == std::vector{1, 2});
}

TEST_CASE("an answer that cannot be made fails for who asked, and is tried for the next") {
    Made made;
    made.once = [] { throw std::runtime_error("no descriptors"); };
    made.askTimes(2);
    CHECK(made.got == std::vector{2});
}
