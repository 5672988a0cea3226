#include "pop3/server.h"

#include <algorithm>
#include <optional>

#include "crypto/sealed_text.h"
#include "gateway/base/log.h"
#include "gateway/net/offload.h"
#include "pop3/access.h"
#include "pop3/attempt.h"
#include "pop3/wire_message.h"

namespace pop3 {

namespace {

using gateway::net::ConnectionEnded;
using gateway::net::LineStream;

/// RFC 1939 section 3: at least ten minutes.
constexpr std::chrono::minutes kIdle{10};
constexpr std::chrono::seconds kFarewell{5};
constexpr std::chrono::minutes kFailedRest{5};
constexpr std::chrono::seconds kYoung{60};  ///< SPEC section 3: a younger file may be a slow copy
/// Replies of a pipelining client are sent together, up to here.
constexpr std::size_t kMostUnsent = 64UL * 1024;

/// A mailbox nobody knows the password of.
std::shared_ptr<const gateway::Mailbox> makeNobody() {
    auto nobody = std::make_shared<gateway::Mailbox>(gateway::MailboxId::generate());
    const crypto::OpenKey identity = crypto::OpenKey::generate();
    gateway::MailboxKey key(identity.sealKey());
    key.sealedIdentity =
        crypto::sealIdentity(identity, nobody->id.str(), crypto::Password::generate());
    nobody->keys.push_back(std::move(key));
    return nobody;
}

gateway::net::TurnQueue::Limits queueLimits(std::size_t atOnce) {
    gateway::net::TurnQueue::Limits limits;
    limits.atOnce = atOnce;
    return limits;
}

std::string farewell(ConnectionEnded::Why why) {
    if (why == ConnectionEnded::Why::TimedOut) {
        return "-ERR Timed out; nothing was deleted\r\n";
    }
    return why == ConnectionEnded::Why::Displaced
               ? "-ERR [SYS/TEMP] Idle, and others wait; please come again\r\n"
               : "-ERR [SYS/TEMP] The server stops; nothing was deleted, please come again\r\n";
}

/// Somebody may just be copying it here.
bool mayBeUnderWay(const gateway::StoredMessage& message) {
    return std::chrono::system_clock::now() - message.changed < kYoung;
}

}  // namespace

Server::Server(asio::any_io_executor io, Engine engine, const gateway::net::TlsHolder& tls)
    : m_io(std::move(io)),
      m_engine(std::move(engine)),
      m_tls(tls),
      m_queue(m_io, queueLimits(m_engine.unlocksAtOnce)),
      m_cache(m_engine.unlockCache),
      m_nobody(makeNobody()) {}

Server::~Server() = default;

asio::awaitable<void> Server::converse(LineStream& stream, bool tlsFromStart) {
    Session session(m_engine.options);
    stream.expiresAfter(kIdle);
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
    co_await stream.handshake(*context);
    session.onTls();
}

asio::awaitable<void> Server::talk(LineStream& stream, Session& session) {
    std::unique_ptr<Access> access;
    std::string unsent;
    Reply reply = session.greet();
    for (;;) {
        if (reply.then == Then::Unlock) {
            reply = co_await unlock(stream, session, access);
        } else if (reply.then == Then::Remove) {
            reply = co_await remove(stream.peer(), session, *access);
        }
        unsent += reply.text;
        if (reply.then == Then::SendListing) {
            co_await sendListing(stream, session, unsent);
        } else if (reply.then == Then::SendMessage) {
            co_await sendMessage(stream, session, *access, unsent);
        }
        const bool last = reply.then == Then::Close || reply.then == Then::StartTls;
        if (last || !stream.lineBuffered() || unsent.size() > kMostUnsent) {
            co_await stream.write(unsent);
            unsent.clear();
        }
        if (reply.then == Then::Close) {
            co_return;
        }
        if (reply.then == Then::StartTls) {
            co_await secure(stream, session);
        }
        stream.expiresAfter(kIdle);
        stream.setBusy(access != nullptr);
        const LineStream::Line line = co_await stream.readLine(m_engine.options.maxCommandLine);
        stream.expiresAfter(kIdle);
        reply = line.tooLong ? session.onLineTooLong() : session.onCommand(line.text);
    }
}

void Server::remember(const gateway::Drop& drop, const gateway::StoredMessage& message,
                      bool corrupt, const std::string& cause) {
    using gateway::log::Level;
    const auto say = [&](Level level, const char* what) {
        gateway::log::write(
            level, what,
            {{"mailbox", drop.mailbox.str()}, {"id", message.id.str()}, {"cause", cause}});
    };
    const auto now = std::chrono::steady_clock::now();
    Failed failed;
    failed.sealedSize = message.sealedSize;
    failed.changed = message.changed;
    if (!corrupt) {
        say(Level::Error, "message cannot be read; it is left out of lists for a few minutes");
        failed.until = now + kFailedRest;
    } else if (mayBeUnderWay(message)) {
        say(Level::Warning,
            "message is not whole, perhaps a copy under way; it is left out of lists until its "
            "file changes, or for a minute");
        failed.until = now + kYoung;
    } else {
        say(Level::Error,
            "message cannot be opened; it is left out of lists until its file changes");
        failed.until = std::chrono::steady_clock::time_point::max();
    }
    m_failed.insert_or_assign({drop, message.id}, failed);
}

void Server::dropFailed(std::vector<UnlockedMailbox::Stored>& messages,
                        const UnlockedMailbox& mailbox) const {
    if (m_failed.empty()) {
        return;
    }
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(messages, [&](const UnlockedMailbox::Stored& stored) {
        const auto failed = m_failed.find({mailbox.drop(stored), stored.message.id});
        return failed != m_failed.end() && failed->second.sealedSize == stored.message.sealedSize &&
               failed->second.changed == stored.message.changed && now < failed->second.until;
    });
}

asio::awaitable<void> Server::sendListing(LineStream& stream, Session& session,
                                          std::string& unsent) {
    for (bool more = true; more;) {
        more = session.nextListing(unsent);
        if (more) {
            stream.expiresAfter(kIdle);
            co_await stream.write(unsent);
            unsent.clear();
        }
    }
}

/// Sends `octets` while a worker does what comes next; `work` may look at the caller's state, for
/// it is over when this returns or throws.
template <typename Work>
asio::awaitable<std::invoke_result_t<Work&>> Server::sendWhile(LineStream& stream,
                                                               std::string_view octets, Work work) {
    using Result = std::invoke_result_t<Work&>;
    gateway::net::Running<Result> running(m_engine.disk, m_io, std::move(work));
    std::exception_ptr failure;
    try {
        stream.expiresAfter(kIdle);
        co_await stream.write(octets);
    } catch (...) {
        failure = std::current_exception();
    }
    std::optional<Result> result = co_await running.wait();
    if (failure) {
        std::rethrow_exception(failure);
    }
    co_return std::move(result).value();
}

asio::awaitable<void> Server::sendMessage(LineStream& stream, Session& session,
                                          const Access& access, std::string& unsent) {
    const Requested requested = session.requested();
    const UnlockedMailbox::Stored& stored = access.messages[requested.index];
    const gateway::Drop drop = access.mailbox->drop(stored);
    std::unique_ptr<WireMessage> message;
    std::string piece;
    auto make = [&] {
        return attempt([&] {
            if (!message) {
                message =
                    std::make_unique<WireMessage>(m_engine.store, drop, stored.message.id,
                                                  access.mailbox->key(stored), requested.lines);
            }
            piece.clear();
            return message->next(piece);
        });
    };
    auto more = co_await gateway::net::offload(m_engine.disk, make);
    const bool begun = more.result.has_value();
    if (begun) {
        unsent += session.onMessageOpened().text;
    }
    while (more.result) {
        unsent += piece;
        if (!*more.result) {
            if (!requested.lines) {
                m_engine.onFetched(drop.mailbox, stored.message.id);
            }
            co_return;
        }
        more = co_await sendWhile(stream, unsent, make);
        unsent.clear();
    }
    remember(drop, stored.message, more.corrupt, more.failure);
    if (begun) {
        // RFC 1939 has no way to take back an +OK: without the final dot the client knows.
        throw ConnectionEnded(ConnectionEnded::Why::Closed, "a message could not be sent whole");
    }
    unsent += session
                  .onMessageRefused(more.corrupt && !mayBeUnderWay(stored.message)
                                        ? MessageRefusal::Damaged
                                        : MessageRefusal::Trouble)
                  .text;
}

asio::awaitable<Reply> Server::remove(const std::string& peer, Session& session, Access& access) {
    std::map<gateway::Drop, std::vector<gateway::MessageId>> perDrop;
    for (const std::size_t index : session.marked()) {
        const UnlockedMailbox::Stored& stored = access.messages[index];
        perDrop[access.mailbox->drop(stored)].push_back(stored.message.id);
    }
    auto work = [this, &perDrop] {
        return attempt([&] {
            for (const auto& [drop, ids] : perDrop) {
                m_engine.store.remove(drop, ids);
                m_engine.onDeleted(drop.mailbox, ids);
            }
            return true;
        });
    };
    const auto removed = co_await gateway::net::offload(m_engine.disk, work);
    const std::string mailbox = access.hold.mailbox().str();
    if (!removed.result) {
        gateway::log::error("messages could not be deleted; they stay",
                            {{"mailbox", mailbox}, {"cause", removed.failure}});
        co_return session.onRemoveFailed();
    }
    gateway::log::info(
        "logout", {{"mailbox", mailbox}, {"peer", peer}, {"deleted", session.marked().size()}});
    co_return session.onRemoved();
}

}  // namespace pop3
