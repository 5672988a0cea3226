#include "pop3/server.h"

#include <algorithm>
#include <optional>

#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "crypto/sealed_text.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/net/offload.h"
#include "pop3/dot_writer.h"

namespace pop3 {

namespace {

using gateway::Error;
using gateway::net::ConnectionEnded;
using gateway::net::LineStream;

/// RFC 1939 section 3: at least ten minutes.
constexpr std::chrono::minutes kIdle{10};
constexpr std::chrono::seconds kFarewell{5};
constexpr std::chrono::minutes kFailedRest{5};
/// Replies of a pipelining client are sent together, up to here.
constexpr std::size_t kMostUnsent = 64 * 1024;

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

/// What a worker did for a session: its result, or why there is none.
template <typename Result>
struct Outcome {
    std::optional<Result> result;
    std::string failure;
    bool corrupt = false;
};

template <typename Work>
auto attempt(Work work) -> Outcome<decltype(work())> {
    Outcome<decltype(work())> outcome;
    try {
        outcome.result.emplace(work());
    } catch (const Error& error) {
        outcome.failure = error.what();
        outcome.corrupt = error.kind() == Error::Kind::Corrupt;
    }
    return outcome;
}

UnlockQueue::Limits queueLimits(std::size_t atOnce) {
    UnlockQueue::Limits limits;
    limits.atOnce = atOnce;
    return limits;
}

std::string farewell(ConnectionEnded::Why why) {
    return why == ConnectionEnded::Why::TimedOut
               ? "-ERR Timed out; nothing was deleted\r\n"
               : "-ERR [SYS/TEMP] The server stops; nothing was deleted, please come again\r\n";
}

}  // namespace

class Server::Hold {
public:
    Hold(std::set<gateway::MailboxId>& held, gateway::MailboxId mailbox)
        : m_held(held), m_mailbox(std::move(mailbox)) {
        m_held.insert(m_mailbox);
    }
    ~Hold() { m_held.erase(m_mailbox); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    const gateway::MailboxId& mailbox() const { return m_mailbox; }

private:
    std::set<gateway::MailboxId>& m_held;
    gateway::MailboxId m_mailbox;
};

/// What a logged-in session has: nothing of it outlives the session.
struct Server::Access {
    Access(std::set<gateway::MailboxId>& held, const gateway::MailboxId& id,
           std::shared_ptr<const UnlockedMailbox> opened)
        : hold(held, id), mailbox(std::move(opened)) {}
    Hold hold;
    std::shared_ptr<const UnlockedMailbox> mailbox;
    std::vector<UnlockedMailbox::Stored> messages;
};

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
            reply = co_await unlock(stream.peer(), session, access);
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
        const LineStream::Line line = co_await stream.readLine(m_engine.options.maxCommandLine);
        stream.expiresAfter(kIdle);
        reply = line.tooLong ? session.onLineTooLong() : session.onCommand(line.text);
    }
}

/// One scrypt, when its turn comes. `opened` stays empty where the password is wrong.
asio::awaitable<std::optional<LoginRefusal>> Server::tryPassword(
    const std::string& peer, std::shared_ptr<const gateway::Mailbox> mailbox,
    const crypto::Password& password, std::shared_ptr<const UnlockedMailbox>& opened) {
    const std::optional<UnlockQueue::Turn> turn = co_await m_queue.turn(networkOf(peer));
    if (!turn) {
        gateway::log::notice("login put off: too many wait already",
                             {{"peer", peer}, {"waiting", m_queue.waiting()}});
        co_return LoginRefusal::Trouble;
    }
    auto open = [&mailbox, &password] {
        return attempt([&] { return UnlockedMailbox::open(*mailbox, password); });
    };
    auto outcome = co_await gateway::net::offload(m_engine.cpu, open);
    if (!outcome.result) {
        gateway::log::error(
            "login failed: the mailbox's sealed key is damaged or was exchanged",
            {{"mailbox", mailbox->id.str()}, {"peer", peer}, {"cause", outcome.failure}});
        co_return outcome.corrupt ? LoginRefusal::Broken : LoginRefusal::Trouble;
    }
    opened = std::move(*outcome.result);
    co_return std::nullopt;
}

/// Says nothing where the mailbox was opened, else what the client hears. An unknown mailbox costs
/// the same scrypt as a wrong password, and gets the same answer after the same wait.
asio::awaitable<std::optional<LoginRefusal>> Server::openMailbox(
    const std::string& peer, const Login& login, std::shared_ptr<const UnlockedMailbox>& opened) {
    std::shared_ptr<const gateway::Mailbox> mailbox;
    if (login.mailbox) {
        mailbox = m_engine.findMailbox(*login.mailbox);
    }
    const bool known = mailbox && mailbox->current() != nullptr;
    if (known) {
        opened = m_cache.find(mailbox, login.password, std::chrono::steady_clock::now());
    }
    if (!opened) {
        const auto refusal =
            co_await tryPassword(peer, known ? mailbox : m_nobody, login.password, opened);
        if (refusal) {
            co_return refusal;
        }
    }
    const std::string name = login.mailbox ? login.mailbox->str() : "(no mailbox name)";
    if (!known || !opened) {
        gateway::log::notice("login refused: wrong password or unknown mailbox",
                             {{"mailbox", name}, {"peer", peer}});
        const auto now = std::chrono::steady_clock::now();
        asio::steady_timer slowly(m_io, m_failureDelay.afterFailure(networkOf(peer), now));
        co_await slowly.async_wait(asio::use_awaitable);
        co_return LoginRefusal::WrongPassword;
    }
    m_cache.keep(mailbox, login.password, opened, std::chrono::steady_clock::now());
    if (m_held.contains(mailbox->id)) {
        gateway::log::notice("login refused: another session has the mailbox",
                             {{"mailbox", name}, {"peer", peer}});
        co_return LoginRefusal::InUse;
    }
    co_return std::nullopt;
}

asio::awaitable<bool> Server::listMessages(Access& access) {
    std::vector<gateway::LeftOut> leftOut;
    auto list = [this, &access, &leftOut] {
        return attempt([&] { return access.mailbox->list(m_engine.store, leftOut); });
    };
    auto listed = co_await gateway::net::offload(m_engine.disk, list);
    const std::string mailbox = access.hold.mailbox().str();
    if (!listed.result) {
        gateway::log::error("login failed: the mailbox cannot be listed",
                            {{"mailbox", mailbox}, {"cause", listed.failure}});
        co_return false;
    }
    for (const gateway::LeftOut& file : leftOut) {
        gateway::log::warning("file left out",
                              {{"mailbox", mailbox}, {"file", file.path}, {"cause", file.why}});
    }
    access.messages = std::move(*listed.result);
    dropFailed(access.messages, *access.mailbox);
    co_return true;
}

asio::awaitable<Reply> Server::unlock(const std::string& peer, Session& session,
                                      std::unique_ptr<Access>& access) {
    std::shared_ptr<const UnlockedMailbox> opened;
    std::optional<gateway::MailboxId> mailbox;
    std::optional<LoginRefusal> refusal;
    {
        const Login login = session.takeLogin();  // the password goes as soon as it was tried
        mailbox = login.mailbox;
        refusal = co_await openMailbox(peer, login, opened);
    }
    if (refusal) {
        co_return session.onLoginRefused(*refusal);
    }
    auto granted = std::make_unique<Access>(m_held, *mailbox, std::move(opened));
    const bool listed = co_await listMessages(*granted);
    if (!listed) {
        co_return session.onLoginRefused(LoginRefusal::Trouble);
    }
    std::vector<Entry> entries;
    entries.reserve(granted->messages.size());
    for (const UnlockedMailbox::Stored& stored : granted->messages) {
        entries.emplace_back(stored.message.id,
                             crypto::plaintextSize(stored.message.sealedSize).value_or(0));
    }
    gateway::log::info("login",
                       {{"mailbox", mailbox->str()}, {"peer", peer}, {"messages", entries.size()}});
    access = std::move(granted);
    co_return session.onUnlocked(std::move(entries));
}

void Server::remember(const gateway::Drop& drop, const gateway::StoredMessage& message,
                      bool corrupt, const std::string& cause) {
    gateway::log::error(
        corrupt ? "message cannot be opened; it is left out of lists until its file changes"
                : "message cannot be read; it is left out of lists for a few minutes",
        {{"mailbox", drop.mailbox.str()}, {"id", message.id.str()}, {"cause", cause}});
    Failed failed;
    failed.sealedSize = message.sealedSize;
    failed.until = corrupt ? std::chrono::steady_clock::time_point::max()
                           : std::chrono::steady_clock::now() + kFailedRest;
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
               now < failed->second.until;
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

asio::awaitable<void> Server::sendMessage(LineStream& stream, Session& session,
                                          const Access& access, std::string& unsent) {
    const Requested requested = session.requested();
    const UnlockedMailbox::Stored& stored = access.messages[requested.index];
    const gateway::Drop drop = access.mailbox->drop(stored);
    std::unique_ptr<MessageReader> reader;
    std::string plaintext;
    auto read = [&] {
        return attempt([&] {
            if (!reader) {
                reader = std::make_unique<MessageReader>(m_engine.store, drop, stored.message.id,
                                                         access.mailbox->key(stored));
            }
            plaintext.clear();
            return reader->next(plaintext);
        });
    };
    auto more = co_await gateway::net::offload(m_engine.disk, read);
    const bool begun = more.result.has_value();
    if (begun) {
        unsent += session.onMessageOpened().text;
    }
    DotWriter writer(requested.lines);
    while (more.result) {
        const bool wanted = writer.push(plaintext, unsent);
        if (!wanted || !*more.result) {
            writer.finish(unsent);
            co_return;
        }
        stream.expiresAfter(kIdle);
        co_await stream.write(unsent);
        unsent.clear();
        more = co_await gateway::net::offload(m_engine.disk, read);
    }
    remember(drop, stored.message, more.corrupt, more.failure);
    if (begun) {
        // RFC 1939 has no way to take back an +OK: without the final dot the client knows.
        throw ConnectionEnded(ConnectionEnded::Why::Closed, "a message could not be sent whole");
    }
    unsent += session.onMessageRefused().text;
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
