// One client's connection: TCP, later perhaps TLS, read as lines or as octets, with one deadline.
// Never holds more input than one buffer, wipes what was consumed (a line may be a password), and
// never goes back from TLS to plain text: the end of TLS ends the connection.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <asio/awaitable.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include "gateway/net/input_buffer.h"
#include "gateway/net/tls_session.h"

namespace gateway::net {

/// Why a read or write did not happen. Ordinary: peers go away.
class ConnectionEnded : public std::runtime_error {
public:
    enum class Why {
        Closed,    ///< by the peer, properly or not
        TimedOut,  ///< the deadline passed
        Stopping,  ///< interrupt(): the server stops
        Displaced  ///< displace(): others wait for its place
    };
    ConnectionEnded(Why reason, const std::string& what) : std::runtime_error(what), why(reason) {}
    Why why;
};

/// Belongs to the I/O thread. Its awaitables must not overlap.
class LineStream {
public:
    static constexpr std::size_t kBufferSize =
        8192;  ///< more than the longest line of any protocol

    explicit LineStream(asio::ip::tcp::socket socket);
    ~LineStream();
    LineStream(const LineStream&) = delete;
    LineStream& operator=(const LineStream&) = delete;

    /// The peer's address, IPv4-mapped addresses as IPv4.
    const std::string& peer() const { return m_peer; }

    /// Everything read or written from now on must happen before then, else ConnectionEnded.
    void expiresAfter(std::chrono::steady_clock::duration time);

    /// Forgets all input that was read, then shakes hands as the server. Throws ConnectionEnded.
    asio::awaitable<void> handshake(const TlsContext& context);
    asio::awaitable<void> handshake(const TlsContext& context, TlsTerms terms);
    bool secured() const { return m_tls != nullptr; }
    std::string tlsVersion() const;
    std::string tlsCipher() const;
    std::string tlsProtocol() const;  ///< as TlsSession::protocol()
    /// After the handshake.
    ClientCertificate clientCertificate() const;

    struct Line {
        std::string_view text;  ///< without CRLF (or LF); valid until the next call
        bool tooLong = false;   ///< its octets were dropped, but for the first four: a verb
    };
    /// The next line of at most `longest` octets, longest < kBufferSize.
    asio::awaitable<Line> readLine(std::size_t longest);
    /// Whether a whole line lies in the buffer: a pipelining client's next command.
    bool lineBuffered() const;
    /// Input that was read but not consumed; waits for some where there is none. Valid until the
    /// next call.
    asio::awaitable<std::string_view> readSome();
    /// Returns once there is input, and waits for it as for a line: a client that says nothing
    /// gives way to others and to the end of the server.
    asio::awaitable<void> awaitInput();
    /// Until `alarm` expires or is cancelled, or the peer said something, which stays for the next
    /// read. Throws as awaitInput() as soon as the peer is gone or the server stops.
    asio::awaitable<void> awaitAlarm(asio::steady_timer& alarm);
    void consume(std::size_t octets) { m_input.consume(octets); }
    /// How much one read may take: kBufferSize for lines, more while a message flows.
    void resizeBuffer(std::size_t size);

    /// Sends all of it.
    asio::awaitable<void> write(std::string_view octets);
    /// Says good-bye properly (close_notify), briefly and without waiting for the peer.
    void close() noexcept;
    /// After close(): takes and drops what the peer still says, until it closes too or a few
    /// seconds have passed. Closed with input unread, the connection would be reset (RFC
    /// 1122 4.2.2.13), and the peer might never see our last words.
    asio::awaitable<void> linger();
    /// Whether the peer is gone for good: it ended the connection, and no whole line of it is left
    /// to be read. Never waits; what had come is kept for the next read.
    bool peerHasLeft();

    /// How long the peer has said nothing, not even that it got what was sent; zero where it has
    /// nothing to acknowledge.
    std::chrono::milliseconds unacknowledgedFor() const;

    /// Whether its client would lose something with the connection: a login, a transaction.
    void setBusy(bool busy) { m_busy = busy; }
    /// Since when a client that would lose nothing says nothing; nothing where it is not so.
    std::optional<std::chrono::steady_clock::time_point> idleSince() const;
    /// Ends whatever waits with Why::Displaced.
    void displace();
    /// Whether its time is over, it was displaced or aborted.
    bool hasEnded() const;

    /// Ends a present or the next wait for a *line* with Why::Stopping; data in flight goes on.
    void interrupt();
    /// Ends whatever waits, now.
    void abort();

private:
    using Step = TlsSession::Step;
    struct Core;

    void throwIfEnded() const;
    // Steps that never wait, in clear text or TLS; waitFor() does.
    Step receive(std::span<char> into, std::size_t& octets);
    Step receivePlain(std::span<char> into, std::size_t& octets);
    Step send(std::string_view octets, std::size_t& sent);
    Step sendPlain(std::string_view octets, std::size_t& sent);
    asio::awaitable<void> waitFor(Step step);
    bool mustGiveWay();
    asio::awaitable<void> giveWay();
    asio::awaitable<void> fill();

    std::shared_ptr<Core> m_core;
    std::string m_peer;
    std::unique_ptr<TlsSession> m_tls;
    InputBuffer m_input;
    bool m_waitingForLine = false;
    bool m_busy = false;
    std::chrono::steady_clock::time_point m_lastLine = std::chrono::steady_clock::now();
    std::string m_failure;       ///< of the step that said Ended
    unsigned m_stepsInARow = 0;  ///< since the thread last did something else
    std::size_t m_lineLength = 0;
    std::array<char, 4> m_verb{};  ///< of a line too long
};

}  // namespace gateway::net
