// What the page asks of the server behind it, as callbacks: so it knows no daemon, and tests give
// it a server of their own. Never anything that a command could not ask too.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>

#include "gateway/mail/layout.h"
#include "webui/admins.h"
#include "webui/setup_link.h"

namespace webui {

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

    std::chrono::seconds sessionIdle{std::chrono::minutes(30)};
    std::chrono::seconds sessionLength{std::chrono::hours(12)};
};

/// Throws Refused where an answer of carryOut() says so; else gives it back.
nlohmann::json requireDone(nlohmann::json answer);

}  // namespace webui
