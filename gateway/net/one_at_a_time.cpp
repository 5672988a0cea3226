#include "gateway/net/one_at_a_time.h"

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

namespace gateway::net {

asio::awaitable<OneAtATime::Turn> OneAtATime::turn() {
    while (m_taken) {
        asio::error_code ignored;
        co_await m_over.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    co_return Turn(*this);
}

}  // namespace gateway::net
