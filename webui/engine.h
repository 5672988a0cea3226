// What the page asks of the server behind it, as callbacks: so it knows no daemon, and tests give
// it a server of their own. Never anything that a command could not ask too.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>

#include "crypto/password.h"
#include "gateway/mail/layout.h"
#include "webui/admins.h"
#include "webui/api.h"
#include "webui/events.h"
#include "webui/look_inside.h"
#include "webui/setup_link.h"

namespace webui {

/// What twins ask, by the names of their routes. Refused, where thrown, is answered.
struct ReplicaEngine {
    using Answer = std::function<asio::awaitable<gateway::net::HttpResponse>(Call call)>;
    Answer hello;
    Answer list;
    Answer fetch;
    Answer add;
    Answer listen;
    Answer challenges;
    Answer waiting;
    Answer join;
};

/// All of it is called on the I/O thread. What it names must outlive the page.
struct Engine {
    Engine(asio::any_io_executor ioThread, asio::thread_pool& diskWorkers,
           asio::thread_pool& cpuWorkers)
        : io(std::move(ioThread)), disk(diskWorkers), cpu(cpuWorkers) {}

    asio::any_io_executor io;
    asio::thread_pool& disk;  ///< blocking work of any kind
    asio::thread_pool& cpu;   ///< what tries passwords

    /// Carries out what Operations::perform() of the server documents, as for a command.
    std::function<asio::awaitable<nlohmann::json>(nlohmann::json request)> carryOut;
    /// Web accounts and tokens as they are now; null where their file cannot be read.
    std::function<std::shared_ptr<const Admins>()> admins;
    /// The link of a server without an account; never null.
    std::shared_ptr<SetupLink> setupLink;
    /// What `mailbox list --json` prints, a moment ago at most; shared by all who ask.
    std::function<asio::awaitable<std::shared_ptr<const nlohmann::json>>()> mailboxes;
    /// Whether a browser that asks for this host means this server.
    std::function<bool(const std::string& host)> isOurName;
    /// Whether the certificate in use is one that we made ourselves.
    std::function<bool()> certificateIsOurs;

    /// What lies in a mailbox, as MailboxView of the server documents it.
    std::function<asio::awaitable<nlohmann::json>(MailboxPassword who, std::string after,
                                                  std::size_t limit)>
        listMessages;
    std::function<asio::awaitable<OpenedMessage>(MailboxPassword who, std::string uidl)>
        openMessage;
    std::function<asio::awaitable<nlohmann::json>(std::string address)> listDeleted;

    /// {name, text, unreadable}: a backup as a file of that name, sealed where there is a
    /// passphrase.
    std::function<asio::awaitable<nlohmann::json>(bool withAdmins,
                                                  std::optional<crypto::Password> passphrase)>
        exportBackup;
    /// backup.import of a file that may be sealed; `request` lacks only its text.
    std::function<asio::awaitable<nlohmann::json>(nlohmann::json request, std::string file,
                                                  std::optional<crypto::Password> passphrase)>
        importBackup;

    /// What `status --json` tells, a moment ago at most; shared by all who ask.
    std::function<asio::awaitable<std::shared_ptr<const nlohmann::json>>()> status;
    /// {hours, days}, as TrafficHistory describes it.
    std::function<nlohmann::json()> traffic;
    /// {file, settings}
    std::function<nlohmann::json()> settings;
    /// Told by the server of what changes; never null.
    std::shared_ptr<Events> events;

    ReplicaEngine replica;

    std::chrono::seconds sessionIdle{std::chrono::minutes(30)};
    std::chrono::seconds sessionLength{std::chrono::hours(12)};
};

/// Throws Refused where an answer of carryOut() says so; else gives it back.
nlohmann::json requireDone(nlohmann::json answer);

}  // namespace webui
