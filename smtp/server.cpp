#include "smtp/server.h"

#include <algorithm>
#include <optional>

#include "gateway/base/log.h"
#include "smtp/trace_headers.h"

namespace smtp {

namespace {

using gateway::net::ClientCertificates;
using gateway::net::ConnectionEnded;
using gateway::net::LineStream;

/// What one read takes while a message flows.
constexpr std::size_t kDataBuffer = 64UL * 1024;
/// Replies of a pipelining client are sent together, up to here.
constexpr std::size_t kMostUnsent = 16UL * 1024;
constexpr std::chrono::seconds kFarewell{5};
/// What a sender must get through in each `dataBlock`: a few octets a second.
constexpr std::size_t kDataBlock = 4096;

/// A larger buffer for as long as a message flows.
class DataBuffer {
public:
    explicit DataBuffer(LineStream& stream) : m_stream(stream) {
        m_stream.resizeBuffer(kDataBuffer);
    }
    ~DataBuffer() { m_stream.resizeBuffer(LineStream::kBufferSize); }
    DataBuffer(const DataBuffer&) = delete;
    DataBuffer& operator=(const DataBuffer&) = delete;

private:
    LineStream& m_stream;
};

/// Time for the next block of a message (RFC 5321 4.5.3.2.5), given anew for a whole one only: else
/// a sender that drips an octet now and then would hold its place for ever.
class BlockTime {
public:
    BlockTime(LineStream& stream, std::chrono::seconds time) : m_stream(stream), m_time(time) {
        m_stream.expiresAfter(m_time);
    }
    void arrived(std::size_t octets) {
        m_octets += octets;
        if (m_octets >= kDataBlock) {
            m_octets = 0;
            m_stream.expiresAfter(m_time);
        }
    }

private:
    LineStream& m_stream;
    std::chrono::seconds m_time;
    std::size_t m_octets = 0;
};

/// The last words to a client that was too slow, or that talks while we stop; RFC 5321 3.8.
std::string farewell(ConnectionEnded::Why why) {
    if (why == ConnectionEnded::Why::TimedOut) {
        return Reply(421, "4.4.2", "Timed out, closing the connection").wire();
    }
    return why == ConnectionEnded::Why::Displaced
               ? Reply(421, "4.7.0", "Closing an idle connection, for others wait").wire()
               : Reply(421, "4.3.2", "The server stops; please try again later").wire();
}

std::string joined(const Envelope& envelope) {
    std::string mailboxes;
    for (const Envelope::To& to : envelope.to) {
        mailboxes += mailboxes.empty() ? "" : ",";
        mailboxes += to.drop.mailbox.str();
    }
    return mailboxes;
}

std::vector<gateway::MailboxId> mailboxesOf(const Envelope& envelope) {
    std::vector<gateway::MailboxId> mailboxes;
    mailboxes.reserve(envelope.to.size());
    for (const Envelope::To& to : envelope.to) {
        mailboxes.push_back(to.drop.mailbox);
    }
    return mailboxes;
}

}  // namespace

Server::Server(Engine engine, const gateway::net::TlsHolder& tls, KeyIsValid keyIsValid,
               Timeouts timeouts)
    : m_engine(engine), m_tls(tls), m_keyIsValid(std::move(keyIsValid)), m_timeouts(timeouts) {}

asio::awaitable<void> Server::converse(LineStream& stream, bool tlsFromStart) {
    Session session(m_engine.options, m_engine.house, stream.peer());
    stream.expiresAfter(m_timeouts.command);
    std::optional<ConnectionEnded::Why> why;
    try {
        if (tlsFromStart) {
            co_await secure(stream, session);
        }
        co_await talk(stream, session);
    } catch (const ConnectionEnded& end) {
        if (end.why == ConnectionEnded::Why::Closed) {
            throw;
        }
        why = end.why;
    }
    if (why) {
        stream.expiresAfter(kFarewell);
        co_await stream.write(farewell(*why));
    }
}

asio::awaitable<void> Server::secure(LineStream& stream, Session& session) {
    const auto context = m_tls.current();
    const bool ask = m_engine.house.asksForCertificate();
    gateway::net::TlsTerms terms;
    terms.clientCertificates = ask ? ClientCertificates::Asked : ClientCertificates::No;
    co_await stream.handshake(*context, std::move(terms));
    auto certificate = stream.clientCertificate();
    session.onTls(TlsInfo(stream.tlsVersion(), stream.tlsCipher(), std::move(certificate.names),
                          std::move(certificate.fault)));
}

asio::awaitable<void> Server::talk(LineStream& stream, Session& session) {
    std::unique_ptr<Intake> intake;  // of a message that comes in chunks
    std::string unsent;
    Reply reply = session.greet();
    for (;;) {
        if (reply.then == Then::ReadChunk || reply.then == Then::SkipChunk) {
            co_await stream.write(unsent);
            unsent.clear();
            reply = co_await receiveChunk(stream, session, intake, std::move(reply));
        }
        unsent += reply.wire();
        const bool more = reply.then == Then::ReadCommand && stream.lineBuffered();
        if (!more || unsent.size() > kMostUnsent) {
            co_await stream.write(unsent);
            unsent.clear();
        }
        if (reply.then == Then::Close) {
            co_return;
        }
        if (reply.then == Then::ReadData) {
            reply = co_await receiveData(stream, session);
            continue;
        }
        if (reply.then == Then::StartTls) {
            co_await secure(stream, session);
        }
        stream.expiresAfter(m_timeouts.command);
        stream.setBusy(session.inTransaction());
        const LineStream::Line line = co_await stream.readLine(m_engine.options.maxCommandLine);
        reply = line.tooLong ? session.onLineTooLong(line.text) : session.onCommand(line.text);
        if (!session.receivesChunks()) {
            intake.reset();  // RSET, EHLO or a failed chunk dropped the transaction
        }
    }
}

asio::awaitable<Reply> Server::receiveData(LineStream& stream, Session& session) {
    const DataBuffer buffer(stream);
    Intake intake(m_engine, session, stream.peer(), DataReader::Form::Dots);
    BlockTime time(stream, m_timeouts.dataBlock);
    for (bool ended = false; !ended;) {
        std::string_view input = co_await stream.readSome();
        const std::size_t before = input.size();
        time.arrived(before);
        ended = co_await intake.take(input);
        stream.consume(before - input.size());
    }
    co_return co_await store(stream, session, intake);
}

asio::awaitable<Reply> Server::receiveChunk(LineStream& stream, Session& session,
                                            std::unique_ptr<Intake>& intake, Reply chunk) {
    if (chunk.then == Then::SkipChunk) {
        intake.reset();
        co_await skipChunk(stream, chunk.octets);
        chunk.then = Then::ReadCommand;
        co_return chunk;
    }
    if (!intake) {
        intake =
            std::make_unique<Intake>(m_engine, session, stream.peer(), DataReader::Form::Chunks);
    }
    const DataBuffer buffer(stream);
    BlockTime time(stream, m_timeouts.dataBlock);
    for (std::uint64_t left = chunk.octets; left > 0;) {
        std::string_view input = co_await stream.readSome();
        input =
            input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, input.size())));
        const std::size_t taken = input.size();
        time.arrived(taken);
        co_await intake->take(input);
        stream.consume(taken);
        left -= taken;
    }
    if (!chunk.last) {
        if (const auto refusal = intake->refusal()) {
            tellOfTrouble(session.envelope(), *intake);
            intake.reset();
            co_return session.onRefused(*refusal);  // RFC 3030 section 2: said with this chunk
        }
        co_return session.onChunk(chunk.octets);
    }
    const auto whole = std::move(intake);
    co_return co_await store(stream, session, *whole);
}

asio::awaitable<void> Server::skipChunk(LineStream& stream, std::uint64_t octets) {
    BlockTime time(stream, m_timeouts.dataBlock);
    while (octets > 0) {
        const std::string_view input = co_await stream.readSome();
        const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(octets, input.size()));
        stream.consume(taken);
        time.arrived(taken);
        octets -= taken;
    }
}

void Server::tellOfTrouble(const Envelope& envelope, const Intake& intake) {
    if (!intake.cause().empty()) {
        for (const Envelope::To& to : envelope.to) {
            m_engine.house.onNotStored(to.drop.mailbox, intake.id(), intake.cause());
        }
    }
}

asio::awaitable<Reply> Server::store(LineStream& stream, Session& session, Intake& intake) {
    const std::string& peer = stream.peer();
    const Envelope envelope = session.envelope();
    stream.expiresAfter(m_timeouts.commit + m_timeouts.command);  // the answer has its own limit
    const CommitsUnderWay::Entry underWay(m_commits, mailboxesOf(envelope));
    for (const Envelope::To& to : envelope.to) {
        if (!m_keyIsValid(to.drop)) {
            gateway::log::notice("message refused for now: its mailbox got another key meanwhile",
                                 {{"mailbox", to.drop.mailbox.str()}, {"peer", peer}});
            co_return session.onRefused(Refusal::KeyChanged);
        }
    }
    const OuterHeader* const header = intake.outerHeader();
    if (header != nullptr && !intake.refusal() && session.refusesContent(*header)) {
        co_return session.onRefused(Refusal::NotAllowed);
    }
    const auto whole = std::chrono::steady_clock::now();
    const std::optional<Refusal> refusal = co_await intake.finish(m_timeouts.commit);
    if (refusal) {
        tellOfTrouble(envelope, intake);
        if (*refusal == Refusal::TooLarge) {
            gateway::log::warning("message refused: larger than max_message_size",
                                  {{"mailbox", joined(envelope)},
                                   {"peer", peer},
                                   {"from", envelope.reversePath},
                                   {"octets", intake.size()}});
        }
        co_return session.onRefused(*refusal);
    }
    gateway::log::info("message stored", {{"id", intake.id().str()},
                                          {"mailbox", joined(envelope)},
                                          {"octets", intake.size()},
                                          {"from", envelope.reversePath},
                                          {"peer", peer},
                                          {"tls", session.tls().version}});
    for (const Envelope::To& to : envelope.to) {
        m_engine.house.onStored(to.drop.mailbox);
    }
    m_engine.house.onDurable(std::chrono::steady_clock::now() - whole);
    co_return session.onStored(intake.id());
}

}  // namespace smtp
