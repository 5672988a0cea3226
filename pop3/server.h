// POP3 over sockets: the loop that carries out what the session's replies ask for. Knows no verb.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>

#include "gateway/mail/record.h"
#include "gateway/net/line_stream.h"
#include "pop3/session.h"
#include "pop3/unlocked_mailbox.h"

namespace pop3 {

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
    asio::thread_pool& cpu;  ///< as many threads as unlocks may run at once
};

/// Belongs to the I/O thread; outlives its connections.
class Server {
public:
    Server(Engine engine, const gateway::net::TlsHolder& tls);
    ~Server();

    /// One client, from greeting to good-bye. Throws ConnectionEnded.
    asio::awaitable<void> converse(gateway::net::LineStream& stream, bool tlsFromStart);

private:
    /// A logged-in session's hold on its mailbox; released when it goes.
    class Hold;
    struct Access;

    asio::awaitable<void> talk(gateway::net::LineStream& stream, Session& session);
    asio::awaitable<void> secure(gateway::net::LineStream& stream, Session& session);
    asio::awaitable<Reply> unlock(const std::string& peer, Session& session,
                                  std::unique_ptr<Access>& access);
    asio::awaitable<std::optional<LoginRefusal>> openMailbox(
        const std::string& peer, const Login& login, std::unique_ptr<UnlockedMailbox>& opened);
    asio::awaitable<bool> listMessages(Access& access);
    asio::awaitable<void> sendListing(gateway::net::LineStream& stream, Session& session,
                                      std::string& unsent);
    asio::awaitable<void> sendMessage(gateway::net::LineStream& stream, Session& session,
                                      const Access& access, std::string& unsent);
    asio::awaitable<Reply> remove(const std::string& peer, Session& session, Access& access);
    void remember(const gateway::Drop& drop, const gateway::StoredMessage& message, bool corrupt,
                  const std::string& cause);
    void dropFailed(std::vector<UnlockedMailbox::Stored>& messages,
                    const UnlockedMailbox& mailbox) const;

    Engine m_engine;
    const gateway::net::TlsHolder& m_tls;
    /// What an unknown name is tried against, so that it costs what a wrong password costs.
    std::shared_ptr<const gateway::Mailbox> m_nobody;
    std::set<gateway::MailboxId> m_held;
    /// A message that could not be opened: left out of lists until its file changes, or where the
    /// trouble may pass (no descriptors, a wrong owner) for a while; so one file cannot block an
    /// archiver.
    struct Failed {
        std::uint64_t sealedSize = 0;
        std::chrono::steady_clock::time_point until;
    };
    std::map<std::pair<gateway::Drop, gateway::MessageId>, Failed> m_failed;
};

}  // namespace pop3
