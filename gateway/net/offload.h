// Blocking work away from the I/O thread: moved values in, returned values out.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

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

/// The same for work that may hang: nothing where it took longer than `limit`. It goes on then, and
/// must own what it touches; what it returns or throws is lost.
template <typename Work>
asio::awaitable<std::optional<std::invoke_result_t<Work&>>> offloadFor(
    asio::thread_pool& pool, Work work, std::chrono::steady_clock::duration limit) {
    using Result = std::invoke_result_t<Work&>;
    struct Wait {
        explicit Wait(const asio::any_io_executor& executor) : over(executor) {}
        asio::steady_timer over;
        std::optional<Result> result;
        std::exception_ptr failure;
    };
    const auto executor = co_await asio::this_coro::executor;
    const auto wait = std::make_shared<Wait>(executor);
    wait->over.expires_after(limit);
    asio::post(pool, [wait, executor, work = std::move(work)]() mutable {
        std::optional<Result> result;
        std::exception_ptr failure;
        try {
            result.emplace(work());
        } catch (...) {
            failure = std::current_exception();
        }
        // The caller's state is touched on the caller's thread only.
        asio::post(executor, [wait, result = std::move(result), failure]() mutable {
            wait->result = std::move(result);
            wait->failure = failure;
            wait->over.cancel();
        });
    });
    asio::error_code ignored;
    co_await wait->over.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (wait->failure) {
        std::rethrow_exception(wait->failure);
    }
    co_return std::move(wait->result);
}

}  // namespace gateway::net
