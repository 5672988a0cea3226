// What a LineStream is made of inside: its socket, its deadline, and why it ended. For its own
// files only; never seen by who talks on one.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include "gateway/net/line_stream.h"

namespace gateway::net {

/// What the timer's handler needs; it may run once more after the stream is gone.
struct LineStream::Core {
    explicit Core(asio::ip::tcp::socket connected)
        : socket(std::move(connected)), timer(socket.get_executor()) {}

    /// One timer a connection: pushing the deadline forward costs nothing, for the handler looks
    /// again when it fires too early.
    static void watch(const std::shared_ptr<Core>& core) {
        core->timer.expires_at(core->deadline);
        core->timer.async_wait([weak = std::weak_ptr<Core>(core)](const asio::error_code& error) {
            const auto self = weak.lock();
            if (!self || error) {
                return;
            }
            if (std::chrono::steady_clock::now() < self->deadline) {
                watch(self);
                return;
            }
            self->ended = ConnectionEnded::Why::TimedOut;
            asio::error_code ignored;
            self->socket.cancel(ignored);
        });
    }

    asio::ip::tcp::socket socket;
    asio::steady_timer timer;
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
    std::optional<ConnectionEnded::Why> ended;
    bool stopping = false;
};

/// True while a line is waited for, also where the wait ends by an exception.
class WhileWaiting {
public:
    explicit WhileWaiting(bool& flag) : m_flag(flag) { m_flag = true; }
    ~WhileWaiting() { m_flag = false; }
    WhileWaiting(const WhileWaiting&) = delete;
    WhileWaiting& operator=(const WhileWaiting&) = delete;

private:
    bool& m_flag;
};

}  // namespace gateway::net
