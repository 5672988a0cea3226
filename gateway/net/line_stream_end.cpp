// How a connection ends, and what notices that it did while nothing is read: the other half of
// LineStream. Never waits for a peer longer than it was told to.
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/net/line_stream_core.h"
#include "gateway/net/peer.h"

namespace gateway::net {

namespace {

using Why = ConnectionEnded::Why;

/// How long a connection that we have ended may keep its place.
constexpr std::chrono::seconds kLinger{5};

}  // namespace

asio::awaitable<void> LineStream::awaitAlarm(asio::steady_timer& alarm) {
    const WhileWaiting waiting(m_waitingForLine);
    throwIfEnded();
    if (peerHasLeft()) {
        throw ConnectionEnded(Why::Closed, m_failure);
    }
    // What ends this connection cancels the socket, and so rings too. A peer whose next request is
    // here already has nothing more to say that could be looked for.
    const bool listens = !lineBuffered() && !m_input.room().empty();
    const auto bell = std::make_shared<asio::steady_timer*>(&alarm);
    m_core->socket.async_wait(
        listens ? asio::socket_base::wait_read : asio::socket_base::wait_error,
        [bell](const asio::error_code&) {
            if (*bell != nullptr) {
                (*bell)->cancel();
            }
        });
    asio::error_code ignored;
    co_await alarm.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    *bell = nullptr;
    m_core->socket.cancel(ignored);
    m_stepsInARow = 0;
    throwIfEnded();
    if (peerHasLeft()) {
        throw ConnectionEnded(Why::Closed, m_failure);
    }
}

void LineStream::close() noexcept {
    asio::error_code ignored;
    if (m_tls) {
        m_tls->sayGoodbye();
    }
    m_core->socket.shutdown(asio::socket_base::shutdown_send, ignored);
}

asio::awaitable<void> LineStream::linger() {
    const WhileWaiting waiting(m_waitingForLine);  // a server that stops need not wait for it
    expiresAfter(kLinger);
    consume(m_input.text().size());
    try {
        for (;;) {
            std::size_t dropped = 0;
            const Step step = receivePlain(m_input.room(), dropped);
            if (step != Step::Done) {
                co_await waitFor(step);
            } else if (mustGiveWay()) {
                co_await giveWay();
            }
        }
    } catch (const ConnectionEnded&) {  // as it was meant to
    }
}

std::chrono::milliseconds LineStream::unacknowledgedFor() const {
    return net::unacknowledgedFor(m_core->socket);
}

bool LineStream::peerHasLeft() {
    while (!lineBuffered() && !m_input.room().empty()) {
        std::size_t octets = 0;
        const Step step = receive(m_input.room(), octets);
        if (step != Step::Done) {
            return step == Step::Ended;
        }
        m_input.add(octets);
    }
    return false;
}

std::optional<std::chrono::steady_clock::time_point> LineStream::idleSince() const {
    const bool idle = m_waitingForLine && !m_busy && !m_core->ended;
    return idle ? std::optional(m_lastLine) : std::nullopt;
}

bool LineStream::hasEnded() const { return m_core->ended.has_value(); }

void LineStream::displace() {
    m_core->ended = Why::Displaced;
    asio::error_code ignored;
    m_core->socket.cancel(ignored);
}

void LineStream::interrupt() {
    m_core->stopping = true;
    if (m_waitingForLine) {
        asio::error_code ignored;
        m_core->socket.cancel(ignored);
    }
}

void LineStream::abort() {
    m_core->ended = Why::Stopping;
    asio::error_code ignored;
    m_core->socket.cancel(ignored);
}

}  // namespace gateway::net
