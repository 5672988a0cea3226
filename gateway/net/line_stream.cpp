#include "gateway/net/line_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <system_error>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/net/line_stream_core.h"
#include "gateway/net/peer.h"

namespace gateway::net {

namespace {

using Why = ConnectionEnded::Why;

/// Reads and writes that did not have to wait, before others get their turn.
constexpr unsigned kMostStepsInARow = 8;

const char* describe(Why why) {
    if (why == Why::TimedOut) {
        return "timed out";
    }
    return why == Why::Displaced ? "others waited for its place" : "the server stops";
}

}  // namespace

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

}  // namespace gateway::net
