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
      m_input(kBufferSize) {
    asio::error_code ignored;
    m_core->socket.non_blocking(true, ignored);
    watchPeer(m_core->socket);
}

LineStream::~LineStream() {
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

/// Waits until a step that was not done may be tried again.
asio::awaitable<void> LineStream::waitFor(Step step) {
    if (step == Step::Ended) {
        throw ConnectionEnded(Why::Closed, m_failure);
    }
    throwIfEnded();
    m_stepsInARow = 0;
    asio::error_code error;
    co_await m_core->socket.async_wait(
        step == Step::WantRead ? asio::socket_base::wait_read : asio::socket_base::wait_write,
        asio::redirect_error(asio::use_awaitable, error));
    throwIfEnded();
    if (error) {
        throw ConnectionEnded(Why::Closed, error.message());
    }
}

/// A peer that always has more to say, or takes all at once, never makes us wait: without this it
/// would keep the thread from everybody else, and from its own deadline.
bool LineStream::mustGiveWay() { return ++m_stepsInARow >= kMostStepsInARow; }

asio::awaitable<void> LineStream::giveWay() {
    m_stepsInARow = 0;
    co_await asio::post(m_core->socket.get_executor(), asio::use_awaitable);
    throwIfEnded();
}

asio::awaitable<void> LineStream::handshake(const TlsContext& context) {
    return handshake(context, TlsTerms());
}

asio::awaitable<void> LineStream::handshake(const TlsContext& context, TlsTerms terms) {
    // RFC 3207 section 6, RFC 2595 section 4: what was pipelined in clear text is forgotten.
    consume(m_input.text().size());
    m_lineLength = 0;
    m_tls = std::make_unique<TlsSession>(context, m_core->socket.native_handle(), std::move(terms));
    const WhileWaiting waiting(m_waitingForLine);  // a server that stops need not wait for it
    for (Step step = m_tls->handshake(); step != Step::Done; step = m_tls->handshake()) {
        m_failure = m_tls->failure();
        co_await waitFor(step);
    }
}

std::string LineStream::tlsVersion() const { return m_tls ? m_tls->version() : ""; }

std::string LineStream::tlsCipher() const { return m_tls ? m_tls->cipher() : ""; }

std::string LineStream::tlsProtocol() const { return m_tls ? m_tls->protocol() : ""; }

ClientCertificate LineStream::clientCertificate() const {
    return m_tls ? m_tls->clientCertificate() : ClientCertificate();
}

LineStream::Step LineStream::receivePlain(std::span<char> into, std::size_t& octets) {
    for (;;) {
        const ssize_t got = ::recv(m_core->socket.native_handle(), into.data(), into.size(), 0);
        if (got > 0) {
            octets = static_cast<std::size_t>(got);
            return Step::Done;
        }
        if (got < 0 && errno == EAGAIN) {
            return Step::WantRead;
        }
        if (got == 0 || errno != EINTR) {
            m_failure = got == 0 ? "the peer closed the connection"
                                 : "read: " + std::generic_category().message(errno);
            return Step::Ended;
        }
    }
}

LineStream::Step LineStream::receive(std::span<char> into, std::size_t& octets) {
    if (!m_tls) {
        return receivePlain(into, octets);
    }
    Step step = m_tls->read(into, octets);
    for (std::size_t more = 0; step == Step::Done && octets < into.size() && m_tls->holdsInput();
         octets += more) {
        // What stands in the way of more is said to the next call, which has nothing to give.
        if (m_tls->read(into.subspan(octets), more) != Step::Done) {
            break;
        }
    }
    if (step == Step::Ended) {
        m_failure = m_tls->failure();
    }
    return step;
}

LineStream::Step LineStream::sendPlain(std::string_view octets, std::size_t& sent) {
    for (;;) {
        const ssize_t count =
            ::send(m_core->socket.native_handle(), octets.data(), octets.size(), MSG_NOSIGNAL);
        if (count >= 0) {
            sent = static_cast<std::size_t>(count);
            return Step::Done;
        }
        if (errno == EAGAIN) {
            return Step::WantWrite;
        }
        if (errno != EINTR) {
            m_failure = "write: " + std::generic_category().message(errno);
            return Step::Ended;
        }
    }
}

LineStream::Step LineStream::send(std::string_view octets, std::size_t& sent) {
    if (!m_tls) {
        return sendPlain(octets, sent);
    }
    const Step step = m_tls->write(octets, sent);
    if (step == Step::Ended) {
        m_failure = m_tls->failure();
    }
    return step;
}

asio::awaitable<void> LineStream::write(std::string_view octets) {
    while (!octets.empty()) {
        std::size_t sent = 0;
        const Step step = send(octets, sent);
        if (step != Step::Done) {
            co_await waitFor(step);
        } else {
            octets.remove_prefix(sent);
            if (mustGiveWay()) {
                co_await giveWay();
            }
        }
    }
}

asio::awaitable<void> LineStream::fill() {
    m_input.compact();
    if (mustGiveWay()) {
        co_await giveWay();
    }
    std::size_t got = 0;
    for (Step step = receive(m_input.room(), got); step != Step::Done;
         step = receive(m_input.room(), got)) {
        co_await waitFor(step);
    }
    m_input.add(got);
}

bool LineStream::lineBuffered() const {
    return m_input.text().find('\n', m_lineLength) != std::string_view::npos;
}

asio::awaitable<LineStream::Line> LineStream::readLine(std::size_t longest) {
    consume(m_lineLength);
    m_lineLength = 0;
    Line line;
    std::size_t searched = 0;
    for (;;) {
        const std::string_view text = m_input.text();
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
    if (m_input.text().empty()) {
        co_await fill();
    }
    co_return m_input.text();
}

asio::awaitable<void> LineStream::awaitInput() {
    consume(m_lineLength);
    m_lineLength = 0;
    const WhileWaiting waiting(m_waitingForLine);
    while (m_input.text().empty()) {
        co_await fill();
    }
    m_lastLine = std::chrono::steady_clock::now();
}

void LineStream::resizeBuffer(std::size_t size) {
    consume(m_lineLength);
    m_lineLength = 0;
    m_input.resize(size);
    if (m_tls) {
        m_tls->readAhead(size > kBufferSize ? size : 0);
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
