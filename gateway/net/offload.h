// Blocking work away from the I/O thread: moved values in, returned values out.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
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

}  // namespace gateway::net
