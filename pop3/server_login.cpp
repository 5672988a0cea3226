// How a session of the server gets its mailbox: a turn, one scrypt, the list of what waits.
// Never tells an unknown mailbox from a wrong password, by words or by time (SPEC section 3).
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/base/log.h"
#include "gateway/net/offload.h"
#include "gateway/net/peer.h"
#include "pop3/access.h"
#include "pop3/attempt.h"
#include "pop3/server.h"

namespace pop3 {

namespace {

using gateway::net::ConnectionEnded;
using gateway::net::LineStream;

/// A client that acknowledges nothing for so long is gone: its mailbox must be free again within
/// 60 s (SPEC section 3).
constexpr std::chrono::seconds kVanished{45};
/// How long a login waits for the session it ended.
constexpr std::chrono::milliseconds kBetweenLooks{20};
constexpr int kLooks = 100;

void tellPutOff(const std::string& network, std::size_t logins) {
    if (logins > 0) {
        gateway::log::notice("logins put off: too many wait already",
                             {{"peer", network}, {"logins", logins}});
    }
}

}  // namespace

/// One scrypt, when its turn comes. `opened` stays empty where the password is wrong.
asio::awaitable<std::optional<LoginRefusal>> Server::tryPassword(
    const Asker& asker, std::shared_ptr<const gateway::Mailbox> mailbox,
    const crypto::Password& password, std::shared_ptr<const UnlockedMailbox>& opened) {
    const std::string network = gateway::net::networkOf(asker.peer);
    const std::optional<gateway::net::TurnQueue::Turn> turn = co_await m_queue.turn(network);
    if (!turn) {
        tellPutOff(network, m_putOff.add(network, std::chrono::steady_clock::now()));
        co_return LoginRefusal::Trouble;
    }
    if (asker.hasLeft()) {
        throw ConnectionEnded(ConnectionEnded::Why::Closed, "gone before its password was tried");
    }
    auto open = [&mailbox, &password] {
        return attempt([&] { return UnlockedMailbox::open(*mailbox, password); });
    };
    auto outcome = co_await gateway::net::offload(m_engine.cpu, open);
    if (!outcome.result) {
        gateway::log::error(
            std::string(asker.purpose) +
                " failed: the mailbox's sealed key is damaged or was exchanged",
            {{"mailbox", mailbox->id.str()}, {"peer", asker.peer}, {"cause", outcome.failure}});
        co_return outcome.corrupt ? LoginRefusal::Broken : LoginRefusal::Trouble;
    }
    opened = std::move(*outcome.result);
    co_return std::nullopt;
}

/// An unknown mailbox costs the same scrypt as a wrong password, and gets the same answer after the
/// same wait.
asio::awaitable<Opened> Server::open(Asker asker, Login login) {
    Opened result;
    std::shared_ptr<const UnlockedMailbox>& opened = result.mailbox;
    std::shared_ptr<const gateway::Mailbox> mailbox;
    if (login.mailbox) {
        mailbox = m_engine.findMailbox(*login.mailbox);
    }
    const bool known = mailbox && mailbox->current() != nullptr;
    if (known) {
        opened = m_cache.find(mailbox, login.password, std::chrono::steady_clock::now());
    }
    if (!opened) {
        result.refusal =
            co_await tryPassword(asker, known ? mailbox : m_nobody, login.password, opened);
        if (result.refusal) {
            co_return result;
        }
    }
    const std::string name = login.mailbox ? login.mailbox->str() : "(no mailbox name)";
    if (!known || !opened) {
        gateway::log::notice(
            std::string(asker.purpose) + " refused: wrong password or unknown mailbox",
            {{"mailbox", name}, {"peer", asker.peer}});
        const auto now = std::chrono::steady_clock::now();
        asio::steady_timer slowly(
            m_io, m_failureDelay.afterFailure(gateway::net::networkOf(asker.peer), now));
        co_await slowly.async_wait(asio::use_awaitable);
        opened = nullptr;
        result.refusal = LoginRefusal::WrongPassword;
        co_return result;
    }
    m_cache.keep(mailbox, login.password, opened, std::chrono::steady_clock::now());
    m_engine.onUnlocked(opened);
    co_return result;
}

/// A session whose client vanished while a message was on its way to it makes room: keep-alive
/// looks after idle connections only.
asio::awaitable<bool> Server::isHeld(const gateway::MailboxId& mailbox) {
    auto holder = m_held.find(mailbox);
    if (holder == m_held.end() || holder->second->unacknowledgedFor() < kVanished) {
        co_return holder != m_held.end();
    }
    gateway::log::notice("a session is ended for a new one: its client is gone",
                         {{"mailbox", mailbox.str()}, {"peer", holder->second->peer()}});
    holder->second->abort();
    asio::steady_timer soon(m_io);
    for (int looks = 0; looks < kLooks && m_held.contains(mailbox); ++looks) {
        soon.expires_after(kBetweenLooks);
        co_await soon.async_wait(asio::use_awaitable);
    }
    co_return m_held.contains(mailbox);
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

asio::awaitable<Reply> Server::unlock(LineStream& stream, Session& session,
                                      std::unique_ptr<Access>& access) {
    Login login = session.takeLogin();
    const std::optional<gateway::MailboxId> mailbox = login.mailbox;
    Asker asker(stream.peer(), "login", [&stream] { return stream.peerHasLeft(); });
    // The password is moved, and goes as soon as it was tried.
    Opened opened = co_await open(std::move(asker), std::move(login));
    if (opened.refusal) {
        co_return session.onLoginRefused(*opened.refusal);
    }
    const bool held = co_await isHeld(*mailbox);
    if (held) {
        gateway::log::notice("login refused: another session has the mailbox",
                             {{"mailbox", mailbox->str()}, {"peer", stream.peer()}});
        co_return session.onLoginRefused(LoginRefusal::InUse);
    }
    auto granted = std::make_unique<Access>(m_held, *mailbox, stream, std::move(opened.mailbox));
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
    gateway::log::info(
        "login",
        {{"mailbox", mailbox->str()}, {"peer", stream.peer()}, {"messages", entries.size()}});
    access = std::move(granted);
    co_return session.onUnlocked(std::move(entries));
}

void Server::sweep() {
    const auto now = std::chrono::steady_clock::now();
    m_cache.sweep(now, m_engine.findMailbox);
    for (const auto& [network, logins] : m_putOff.overdue(now)) {
        tellPutOff(network, logins);
    }
}

}  // namespace pop3
