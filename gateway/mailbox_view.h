// Looking inside a mailbox for the page: the messages that wait, by a password that was typed, and
// those that were deleted, without one. Never writes, never keeps password or key longer than the
// answer takes.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>

#include "gateway/config.h"
#include "gateway/mail/registry.h"
#include "gateway/store/message_store.h"
#include "pop3/server.h"
#include "webui/look_inside.h"

namespace gateway {

/// Answers are as those of Operations::perform(), with a `code` where they refuse: "not_found",
/// "wrong_password", "too_many" (passwords are tried), "refused", "trouble". Belongs to the I/O
/// thread.
class MailboxView {
public:
    static constexpr std::size_t kMostListed = 200;
    static constexpr std::size_t kMostDeleted = 1000;

    using Registries = std::function<std::shared_ptr<const Registry>()>;

    MailboxView(const Config& config, pop3::Server& doors, Registries registries,
                MessageStore& store, asio::thread_pool& disk)
        : m_config(config),
          m_doors(doors),
          m_registries(std::move(registries)),
          m_store(store),
          m_disk(disk) {}

    /// messages [{uidl, received, octets, from, to, subject, date}] (texts or null; of one that
    /// cannot be opened `error` instead), the newest first, at most `limit`, those behind `after`
    /// (a uidl; empty: from the newest on); next (a uidl, or null); total; locked (how many need an
    /// earlier password); left_out (files that are no messages).
    asio::awaitable<nlohmann::json> list(webui::MailboxPassword who, std::string after,
                                         std::size_t limit);

    /// answer: octets.
    asio::awaitable<webui::OpenedMessage> message(webui::MailboxPassword who, std::string uidl);

    /// messages [{uidl, octets, received, deleted, until, locked}], the last deletion first, at
    /// most kMostDeleted; total.
    asio::awaitable<nlohmann::json> deleted(std::string address);

private:
    struct Inside;
    /// Null where there is none of that address.
    std::shared_ptr<const Mailbox> find(const std::string& address) const;
    asio::awaitable<Inside> open(webui::MailboxPassword who);

    const Config& m_config;
    pop3::Server& m_doors;
    Registries m_registries;
    MessageStore& m_store;
    asio::thread_pool& m_disk;
};

}  // namespace gateway
