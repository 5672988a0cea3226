// POP3 over sockets: the loop that carries out what the session's replies ask for. Knows no verb.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>

#include "gateway/mail/record.h"
#include "gateway/net/line_stream.h"
#include "gateway/net/turn_queue.h"
#include "pop3/session.h"
#include "pop3/unlock_cache.h"
#include "pop3/unlocked_mailbox.h"

namespace pop3 {

struct Access;

/// Who tries a password: for the queue, and for the log.
struct Asker {
    Asker(std::string address, std::string_view forWhat, std::function<bool()> gone)
        : peer(std::move(address)), purpose(forWhat), hasLeft(std::move(gone)) {}
    std::string peer;
    std::string_view purpose;       ///< "login"
    std::function<bool()> hasLeft;  ///< asked when its turn comes: then the work is spared
};

/// What a password opened, or why nothing.
struct Opened {
    std::optional<LoginRefusal> refusal;
    std::shared_ptr<const UnlockedMailbox> mailbox;
};

/// What the server needs of the house.
struct Engine {
    using FindMailbox =
        std::function<std::shared_ptr<const gateway::Mailbox>(const gateway::MailboxId&)>;

    Engine(const Options& sessionOptions, FindMailbox find, gateway::MessageStore& messages,
           asio::thread_pool& diskWorkers, asio::thread_pool& cpuWorkers)
        : options(sessionOptions),
          findMailbox(std::move(find)),
          store(messages),
          disk(diskWorkers),
          cpu(cpuWorkers) {}
    const Options& options;
    FindMailbox findMailbox;  ///< nothing where unknown; deleted mailboxes are still served
    gateway::MessageStore& store;
    asio::thread_pool& disk;
    asio::thread_pool& cpu;
    /// Told of each mailbox that its password opened; on the I/O thread, must not block.
    std::function<void(std::shared_ptr<const UnlockedMailbox>)> onUnlocked = [](const auto&) {};
    /// Told of each message that was sent whole; as onUnlocked.
    std::function<void(const gateway::MailboxId&, const gateway::MessageId&)> onFetched =
        [](const auto&, const auto&) {};
    /// Told of messages that were deleted; on a worker, before the client hears it.
    std::function<void(const gateway::MailboxId&, std::span<const gateway::MessageId>)> onDeleted =
        [](const auto&, const auto&) {};
    std::size_t unlocksAtOnce = 2;  ///< at most as many as `cpu` has threads
    std::chrono::seconds unlockCache{0};
};

/// Belongs to the I/O thread; outlives its connections.
class Server {
public:
    Server(asio::any_io_executor io, Engine engine, const gateway::net::TlsHolder& tls);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// One client, from greeting to good-bye. Throws ConnectionEnded.
    asio::awaitable<void> converse(gateway::net::LineStream& stream, bool tlsFromStart);

    /// Tries a password for somebody who looks inside by other means: in the same queue, at the
    /// same price, slowed by the same failures as by POP3. Takes no hold of the mailbox.
    asio::awaitable<Opened> open(Asker asker, Login login);

    /// Drops keys that were not used for a while, and says how many log-ins were put off. Called
    /// every few seconds.
    void sweep();

private:
    asio::awaitable<void> talk(gateway::net::LineStream& stream, Session& session);
    asio::awaitable<void> secure(gateway::net::LineStream& stream, Session& session);
    asio::awaitable<Reply> unlock(gateway::net::LineStream& stream, Session& session,
                                  std::unique_ptr<Access>& access);
    asio::awaitable<std::optional<LoginRefusal>> tryPassword(
        const Asker& asker, std::shared_ptr<const gateway::Mailbox> mailbox,
        const crypto::Password& password, std::shared_ptr<const UnlockedMailbox>& opened);
    asio::awaitable<bool> isHeld(const gateway::MailboxId& mailbox);
    asio::awaitable<bool> listMessages(Access& access);
    asio::awaitable<void> sendListing(gateway::net::LineStream& stream, Session& session,
                                      std::string& unsent);
    template <typename Work>
    asio::awaitable<std::invoke_result_t<Work&>> sendWhile(gateway::net::LineStream& stream,
                                                           std::string_view octets, Work work);
    asio::awaitable<void> sendMessage(gateway::net::LineStream& stream, Session& session,
                                      const Access& access, std::string& unsent);
    asio::awaitable<Reply> remove(const std::string& peer, Session& session, Access& access);
    void remember(const gateway::Drop& drop, const gateway::StoredMessage& message, bool corrupt,
                  const std::string& cause);
    void dropFailed(std::vector<UnlockedMailbox::Stored>& messages,
                    const UnlockedMailbox& mailbox) const;

    asio::any_io_executor m_io;
    Engine m_engine;
    const gateway::net::TlsHolder& m_tls;
    gateway::net::TurnQueue m_queue;
    UnlockCache m_cache;
    gateway::net::FailureDelay m_failureDelay;
    gateway::net::PutOffs m_putOff;
    /// What an unknown name is tried against, so that it costs what a wrong password costs.
    std::shared_ptr<const gateway::Mailbox> m_nobody;
    std::map<gateway::MailboxId, gateway::net::LineStream*> m_held;  ///< by its session
    /// A message that could not be opened: left out of lists until its file changes, or where the
    /// trouble may pass (no descriptors, a wrong owner) for a while; so one file cannot block an
    /// archiver.
    struct Failed {
        std::uint64_t sealedSize = 0;
        gateway::WallTime changed;
        std::chrono::steady_clock::time_point until;
    };
    std::map<std::pair<gateway::Drop, gateway::MessageId>, Failed> m_failed;
};

}  // namespace pop3
