// SMTP over sockets: the loop that carries out what the session's replies ask for. Knows no verb.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "gateway/net/line_stream.h"
#include "smtp/commits_under_way.h"
#include "smtp/intake.h"

namespace smtp {

/// RFC 5321 4.5.3.2: what a server must grant at least.
struct Timeouts {
    std::chrono::seconds command{300};
    std::chrono::seconds dataBlock{180};
    std::chrono::seconds commit{290};  ///< until the answer to the final dot, at most
};

/// Belongs to the I/O thread; outlives its connections.
class Server {
public:
    /// Whether what is sealed to this key still reaches the mailbox's password; asked at commit.
    using KeyIsValid = std::function<bool(const gateway::Drop&)>;

    Server(Engine engine, const gateway::net::TlsHolder& tls, KeyIsValid keyIsValid,
           Timeouts timeouts = {});

    /// One client, from greeting to good-bye. Throws ConnectionEnded.
    asio::awaitable<void> converse(gateway::net::LineStream& stream, bool tlsFromStart);

    /// Returns when no message is being stored any more whose keys were looked at before: what
    /// became of a key meanwhile holds for all that comes.
    asio::awaitable<void> commitsEnded(gateway::MailboxId mailbox) {
        return m_commits.ended(std::move(mailbox));
    }

private:
    asio::awaitable<void> talk(gateway::net::LineStream& stream, Session& session);
    asio::awaitable<void> secure(gateway::net::LineStream& stream, Session& session);
    asio::awaitable<Reply> receiveData(gateway::net::LineStream& stream, Session& session);
    asio::awaitable<Reply> receiveChunk(gateway::net::LineStream& stream, Session& session,
                                        std::unique_ptr<Intake>& intake, Reply chunk);
    void tellOfTrouble(const Envelope& envelope, const Intake& intake);
    asio::awaitable<void> skipChunk(gateway::net::LineStream& stream, std::uint64_t octets);
    asio::awaitable<Reply> store(gateway::net::LineStream& stream, Session& session,
                                 Intake& intake);

    Engine m_engine;
    const gateway::net::TlsHolder& m_tls;
    KeyIsValid m_keyIsValid;
    Timeouts m_timeouts;
    CommitsUnderWay m_commits;
};

}  // namespace smtp
