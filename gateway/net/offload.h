// Blocking work away from the I/O thread: moved values in, returned values out.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>

namespace gateway::net {

namespace detail {

template <typename Work, typename Result>
asio::awaitable<void> run(Work& work, std::optional<Result>& result) {
    result.emplace(work());
    co_return;
}

template <typename Work>
asio::awaitable<void> run(Work& work) {
    work();
    co_return;
}

}  // namespace detail

/// Runs `work` on `pool` and resumes the caller on its own executor with the result, or with what
/// it threw. Give it a named lambda: g++ 12 destroys a temporary one twice (asio issue 858).
template <typename Work>
asio::awaitable<std::invoke_result_t<Work&>> offload(asio::thread_pool& pool, Work work) {
    using Result = std::invoke_result_t<Work&>;
    if constexpr (std::is_void_v<Result>) {
        co_await asio::co_spawn(pool, detail::run(work), asio::use_awaitable);
    } else {
        // Kept here and not handed through co_spawn, which would want a default constructor.
        std::optional<Result> result;
        co_await asio::co_spawn(pool, detail::run(work, result), asio::use_awaitable);
        co_return std::move(*result);
    }
}

/// Work on a pool that goes on while its owner does something else. Belongs to the owner's thread;
/// what the work touches it must own, or the owner must leave alone until it is over.
template <typename Result>
class Running {
public:
    template <typename Work>
    Running(asio::thread_pool& pool, const asio::any_io_executor& owner, Work work)
        : m_state(std::make_shared<State>(owner)) {
        asio::post(pool, [state = m_state, owner, work = std::move(work)]() mutable {
            std::optional<Result> result;
            std::exception_ptr failure;
            try {
                result.emplace(work());
            } catch (...) {
                failure = std::current_exception();
            }
            // The owner's state is touched on the owner's thread only.
            asio::post(owner, [state, result = std::move(result), failure]() mutable {
                state->result = std::move(result);
                state->failure = failure;
                state->isOver = true;
                state->over.cancel();
            });
        });
    }

    /// What it returned, or throws what it threw; nothing where it takes longer than `limit`.
    asio::awaitable<std::optional<Result>> wait(
        std::chrono::steady_clock::duration limit = std::chrono::hours(24 * 365)) {
        const auto state = m_state;
        if (!state->isOver) {
            state->over.expires_after(limit);
            asio::error_code ignored;
            co_await state->over.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        if (state->failure) {
            std::rethrow_exception(state->failure);
        }
        co_return std::move(state->result);
    }

private:
    struct State {
        explicit State(const asio::any_io_executor& owner) : over(owner) {}
        asio::steady_timer over;
        std::optional<Result> result;
        std::exception_ptr failure;
        bool isOver = false;
    };
    std::shared_ptr<State> m_state;
};

/// The same for work that may hang: nothing where it took longer than `limit`. It goes on then, and
/// must own what it touches; what it returns or throws is lost.
template <typename Work>
asio::awaitable<std::optional<std::invoke_result_t<Work&>>> offloadFor(
    asio::thread_pool& pool, Work work, std::chrono::steady_clock::duration limit) {
    const auto executor = co_await asio::this_coro::executor;
    Running<std::invoke_result_t<Work&>> running(pool, executor, std::move(work));
    co_return co_await running.wait(limit);
}

}  // namespace gateway::net
