#include "gateway/net/line_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <system_error>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/net/peer.h"

namespace gateway::net {

namespace {

using Why = ConnectionEnded::Why;

/// Reads and writes that did not have to wait, before others get their turn.
constexpr unsigned kMostStepsInARow = 8;

/// How long a connection that we have ended may keep its place.
constexpr std::chrono::seconds kLinger{5};

[[noreturn]] void endedBy(int number, const char* what) {
    throw ConnectionEnded(Why::Closed,
                          std::string(what) + ": " + std::generic_category().message(number));
}

const char* describe(Why why) {
    if (why == Why::TimedOut) {
        return "timed out";
    }
    return why == Why::Displaced ? "idle, and others waited for its place" : "the server stops";
}

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

}  // namespace

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
            self->ended = Why::TimedOut;
            asio::error_code ignored;
            self->socket.cancel(ignored);
        });
    }

    asio::ip::tcp::socket socket;
    asio::steady_timer timer;
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
    std::optional<Why> ended;
    bool stopping = false;
};

LineStream::LineStream(asio::ip::tcp::socket socket)
    : m_core(std::make_shared<Core>(std::move(socket))),
      m_peer(peerAddress(m_core->socket)),
      m_buffer(kBufferSize) {
    asio::error_code ignored;
    m_core->socket.non_blocking(true, ignored);
    watchPeer(m_core->socket);
}

LineStream::~LineStream() {
    ::explicit_bzero(m_buffer.data(), m_buffer.size());
    asio::error_code ignored;
    m_core->timer.cancel();
    m_core->socket.close(ignored);
}

void LineStream::expiresAfter(std::chrono::steady_clock::duration time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    const bool watching = m_core->deadline != std::chrono::steady_clock::time_point::max();
    m_core->deadline = deadline;
    if (!watching || deadline < m_core->timer.expiry()) {
        Core::watch(m_core);
    }
}

void LineStream::throwIfEnded() const {
    if (m_core->ended) {
        throw ConnectionEnded(*m_core->ended, describe(*m_core->ended));
    }
    if (m_waitingForLine && m_core->stopping) {
        throw ConnectionEnded(Why::Stopping, "the server stops");
    }
}

asio::awaitable<void> LineStream::wait(Direction direction) {
    throwIfEnded();
    m_stepsInARow = 0;
    asio::error_code error;
    co_await m_core->socket.async_wait(
        direction == Direction::Read ? asio::socket_base::wait_read : asio::socket_base::wait_write,
        asio::redirect_error(asio::use_awaitable, error));
    throwIfEnded();
    if (error) {
        throw ConnectionEnded(Why::Closed, error.message());
    }
}

/// A peer that always has more to say, or takes all at once, never makes us wait: without this it
/// would keep the thread from everybody else, and from its own deadline.
asio::awaitable<void> LineStream::giveWay() {
    if (++m_stepsInARow >= kMostStepsInARow) {
        m_stepsInARow = 0;
        co_await asio::post(m_core->socket.get_executor(), asio::use_awaitable);
        throwIfEnded();
    }
}

/// Waits for what a TLS step asked for; true where it must be tried again.
asio::awaitable<bool> LineStream::tryAgain(TlsSession::Step step) {
    switch (step) {
        case TlsSession::Step::Done:
            co_return false;
        case TlsSession::Step::WantRead:
            co_await wait(Direction::Read);
            co_return true;
        case TlsSession::Step::WantWrite:
            co_await wait(Direction::Write);
            co_return true;
        case TlsSession::Step::Ended:
            break;
    }
    throw ConnectionEnded(Why::Closed, m_tls->failure());
}

asio::awaitable<void> LineStream::handshake(const TlsContext& context,
                                            ClientCertificates clientCertificates) {
    // RFC 3207 section 6, RFC 2595 section 4: what was pipelined in clear text is forgotten.
    consume(m_end - m_begin);
    m_lineLength = 0;
    m_tls =
        std::make_unique<TlsSession>(context, m_core->socket.native_handle(), clientCertificates);
    const WhileWaiting waiting(m_waitingForLine);  // a server that stops need not wait for it
    bool again = true;
    while (again) {
        const TlsSession::Step step = m_tls->handshake();
        again = co_await tryAgain(step);
    }
}

std::string LineStream::tlsVersion() const { return m_tls ? m_tls->version() : ""; }

std::string LineStream::tlsCipher() const { return m_tls ? m_tls->cipher() : ""; }

ClientCertificate LineStream::clientCertificate() const {
    return m_tls ? m_tls->clientCertificate() : ClientCertificate();
}

asio::awaitable<std::size_t> LineStream::receiveTls(std::span<char> into) {
    std::size_t octets = 0;
    bool again = true;
    while (again) {
        const TlsSession::Step step = m_tls->read(into, octets);
        again = co_await tryAgain(step);
    }
    co_return octets;
}

asio::awaitable<std::size_t> LineStream::receivePlain(std::span<char> into) {
    for (;;) {
        const ssize_t got = ::recv(m_core->socket.native_handle(), into.data(), into.size(), 0);
        if (got > 0) {
            co_return static_cast<std::size_t>(got);
        }
        if (got == 0) {
            throw ConnectionEnded(Why::Closed, "the peer closed the connection");
        }
        if (errno == EAGAIN) {
            co_await wait(Direction::Read);
        } else if (errno != EINTR) {
            endedBy(errno, "read");
        }
    }
}

asio::awaitable<std::size_t> LineStream::receive(std::span<char> into) {
    return m_tls ? receiveTls(into) : receivePlain(into);
}

asio::awaitable<std::size_t> LineStream::sendTls(std::string_view from) {
    std::size_t octets = 0;
    bool again = true;
    while (again) {
        const TlsSession::Step step = m_tls->write(from, octets);
        again = co_await tryAgain(step);
    }
    co_return octets;
}

asio::awaitable<std::size_t> LineStream::send(std::string_view octets) {
    if (m_tls) {
        co_return co_await sendTls(octets);
    }
    for (;;) {
        const ssize_t sent =
            ::send(m_core->socket.native_handle(), octets.data(), octets.size(), MSG_NOSIGNAL);
        if (sent >= 0) {
            co_return static_cast<std::size_t>(sent);
        }
        if (errno == EAGAIN) {
            co_await wait(Direction::Write);
        } else if (errno != EINTR) {
            endedBy(errno, "write");
        }
    }
}

asio::awaitable<void> LineStream::write(std::string_view octets) {
    while (!octets.empty()) {
        const std::size_t sent = co_await send(octets);
        octets.remove_prefix(sent);
        co_await giveWay();
    }
}

asio::awaitable<void> LineStream::fill() {
    if (m_begin > 0) {
        std::memmove(m_buffer.data(), m_buffer.data() + m_begin, m_end - m_begin);
        ::explicit_bzero(m_buffer.data() + (m_end - m_begin), m_begin);
        m_end -= m_begin;
        m_begin = 0;
    }
    co_await giveWay();
    const std::size_t got = co_await receive(std::span(m_buffer).subspan(m_end));
    m_end += got;
}

void LineStream::consume(std::size_t octets) {
    octets = std::min(octets, m_end - m_begin);
    ::explicit_bzero(m_buffer.data() + m_begin, octets);
    m_begin += octets;
    if (m_begin == m_end) {
        m_begin = m_end = 0;
    }
}

bool LineStream::lineBuffered() const {
    const std::size_t from = m_begin + m_lineLength;
    return m_end > from && std::memchr(m_buffer.data() + from, '\n', m_end - from) != nullptr;
}

asio::awaitable<LineStream::Line> LineStream::readLine(std::size_t longest) {
    consume(m_lineLength);
    m_lineLength = 0;
    Line line;
    std::size_t searched = 0;
    for (;;) {
        const std::string_view text(m_buffer.data() + m_begin, m_end - m_begin);
        const std::size_t end = text.find('\n', searched);
        if (end != std::string_view::npos) {
            m_lineLength = end + 1;
            m_lastLine = std::chrono::steady_clock::now();
            line.text =
                line.tooLong ? std::string_view(m_verb.data(), m_verb.size()) : text.substr(0, end);
            if (line.text.ends_with('\r')) {
                line.text.remove_suffix(1);
            }
            line.tooLong = line.tooLong || line.text.size() > longest;
            co_return line;
        }
        searched = text.size();
        if (text.size() > longest + 1) {
            // Dropped as it comes, so that a line without an end costs no memory; the last octet
            // stays, for it may be the CR of the line's end.
            if (!line.tooLong) {
                text.copy(m_verb.data(), m_verb.size());
            }
            line.tooLong = true;
            consume(text.size() - 1);
            searched = 1;
        }
        const WhileWaiting waiting(m_waitingForLine);
        co_await fill();
    }
}

asio::awaitable<std::string_view> LineStream::readSome() {
    consume(m_lineLength);
    m_lineLength = 0;
    if (m_begin == m_end) {
        co_await fill();
    }
    co_return std::string_view(m_buffer.data() + m_begin, m_end - m_begin);
}

void LineStream::resizeBuffer(std::size_t size) {
    consume(m_lineLength);
    m_lineLength = 0;
    const std::size_t held = m_end - m_begin;
    std::vector<char> buffer(std::max(size, held));
    std::memcpy(buffer.data(), m_buffer.data() + m_begin, held);
    ::explicit_bzero(m_buffer.data(), m_buffer.size());
    m_buffer = std::move(buffer);
    m_begin = 0;
    m_end = held;
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
    try {
        for (;;) {
            co_await giveWay();
            co_await receivePlain(m_buffer);
        }
    } catch (const ConnectionEnded&) {  // as it was meant to
    }
}

std::chrono::milliseconds LineStream::unacknowledgedFor() const {
    return net::unacknowledgedFor(m_core->socket);
}

bool LineStream::peerHasLeft() {
    while (!lineBuffered() && m_end < m_buffer.size()) {
        const std::span room = std::span(m_buffer).subspan(m_end);
        std::size_t octets = 0;
        if (m_tls) {
            const TlsSession::Step step = m_tls->read(room, octets);
            if (step != TlsSession::Step::Done) {
                return step == TlsSession::Step::Ended;
            }
        } else {
            const ssize_t got = ::recv(m_core->socket.native_handle(), room.data(), room.size(), 0);
            if (got <= 0) {
                return got == 0 || (errno != EAGAIN && errno != EINTR);
            }
            octets = static_cast<std::size_t>(got);
        }
        m_end += octets;
    }
    return false;
}

std::optional<std::chrono::steady_clock::time_point> LineStream::idleSince() const {
    const bool idle = m_waitingForLine && !m_busy && !m_core->ended;
    return idle ? std::optional(m_lastLine) : std::nullopt;
}

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
