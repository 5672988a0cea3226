// The daemon's scheduled jobs: what it looks at again and again while it serves.
// Never on the I/O thread: each looks on a worker and only takes the result over.
#include <algorithm>
#include <sys/statvfs.h>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/daemon.h"
#include "gateway/net/offload.h"

namespace gateway {

namespace {

constexpr std::chrono::hours kEndsSoon{24};
/// What goes on for long is said with its sum, so often.
constexpr std::chrono::minutes kSaidAgain{10};

}  // namespace

void Daemon::takeOver(const std::shared_ptr<const Registry>& registry) {
    const auto before = m_house.registry();
    m_house.setRegistry(registry);
    if (registry != before) {
        tell(webui::Events::Mailboxes);
        tell(webui::Events::Status);
        m_twins.registryChanged();
    }
    for (const Finding& finding : registry->findings()) {
        const auto same = [&](const Finding& known) {
            return known.path == finding.path && known.text == finding.text;
        };
        const auto& known = before->findings();
        if (std::none_of(known.begin(), known.end(), same)) {
            log::warning("record needs attention",
                         {{"file", finding.path}, {"cause", finding.text}});
        }
    }
}

asio::awaitable<void> Daemon::repeat(std::string name, std::chrono::steady_clock::duration every,
                                     Job job) {
    asio::steady_timer pause(m_io);
    m_pauses.insert(&pause);
    std::string said;
    while (!m_stopping) {
        std::string failure;
        try {
            co_await job();
        } catch (const std::exception& error) {
            failure = error.what();
        }
        if (!failure.empty() && failure != said) {
            log::error(name + " failed; it will be tried again", {{"cause", failure}});
        }
        said = failure;
        if (!m_stopping) {
            pause.expires_after(every);
            asio::error_code ignored;
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
    }
    m_pauses.erase(&pause);
}

asio::awaitable<void> Daemon::watchRecords() {
    auto look = [this]() -> std::shared_ptr<const Registry> {
        return m_keeper.changed() ? m_keeper.load() : nullptr;
    };
    const auto registry = co_await net::offload(m_records, look);
    if (registry) {
        log::info("records were changed by hand and read again",
                  {{"mailboxes", registry->mailboxes().size()}});
        takeOver(registry);
    }
}

asio::awaitable<void> Daemon::watchDisk() {
    auto look = [path = m_layout.mailboxes()] {
        struct statvfs found{};
        check(::statvfs(path.c_str(), &found), "statvfs", path.native());
        return std::uint64_t{found.f_bavail} * found.f_frsize;
    };
    const std::uint64_t available = co_await net::offload(m_disk, look);
    judgeRoom(available, std::chrono::system_clock::now());
    // As much room as lets the largest message in is worth more than messages that were fetched.
    const std::uint64_t wanted = m_config.store.minFree + m_config.smtp.maxMessageSize;
    if (available < wanted && !m_purgesEarly) {
        asio::co_spawn(m_io, purgeEarly(wanted - available), asio::detached);
    }
}

void Daemon::judgeRoom(std::uint64_t available, WallTime now) {
    const std::uint64_t least = m_config.store.minFree;
    m_diskTrend.add(now, available);
    m_house.setRoom(available > least ? available - least : 0);
    const bool isShort = available <= least;
    if (isShort && !m_roomShortSince) {
        m_roomShortSince = now;
        tell(webui::Events::Status);
        log::error(
            "disk space is below store.min_free: senders are put off with 452 until there "
            "is room; Exchange Online gives up after 24 hours",
            {{"available", describeSize(available)}, {"min_free", describeSize(least)}});
    } else if (!isShort && m_roomShortSince) {
        m_roomShortSince.reset();
        tell(webui::Events::Status);
        log::notice("disk space is above store.min_free again",
                    {{"available", describeSize(available)}});
    }
    const auto projected = m_diskTrend.reaches(least);
    const bool endsSoon = projected && *projected - now < kEndsSoon;
    if (endsSoon && !m_roomEndsSoon) {
        log::warning("at the pace of the last day disk space comes to store.min_free soon",
                     {{"at", formatTimestamp(*projected)}, {"available", describeSize(available)}});
    }
    m_roomEndsSoon = endsSoon;
}

asio::awaitable<void> Daemon::purgeEarly(std::uint64_t octets) {
    m_purgesEarly = true;
    try {
        for (bool more = octets > 0; more && !m_stopping;) {
            auto purge = [this, octets] { return m_store.purgeOldest(octets, onPurged()); };
            const auto purged = co_await net::offload(m_slow, purge);
            m_purgedEarly.messages += purged.messages;
            m_purgedEarly.octets += purged.octets;
            m_purgedEarly.youngest = std::max(m_purgedEarly.youngest, purged.youngest);
            more = purged.messages > 0 && purged.octets < octets;
            octets -= std::min(octets, purged.octets);
        }
    } catch (const std::exception& error) {
        // purgeDeleted() comes upon the same, and says it once.
        log::debug("deleted messages could not be purged early", {{"cause", error.what()}});
    }
    const WallTime now = std::chrono::system_clock::now();
    const bool saidLately = m_purgeSaid && now >= *m_purgeSaid && now - *m_purgeSaid < kSaidAgain;
    if (m_purgedEarly.messages > 0 && !saidLately) {
        log::notice("deleted messages were purged before store.keep_deleted, for space is short",
                    {{"messages", m_purgedEarly.messages},
                     {"size", describeSize(m_purgedEarly.octets)},
                     {"deleted_until", formatTimestamp(m_purgedEarly.youngest)}});
        m_purgedEarly = {};
        m_purgeSaid = now;
    }
    m_purgesEarly = false;
}

asio::awaitable<void> Daemon::purgeDeleted() {
    auto purge = [this] { return m_store.purge(m_config.store.keepDeleted, onPurged()); };
    std::size_t purged = 0;
    for (std::size_t batch = DirectoryStore::kPurgeBatch;
         batch == DirectoryStore::kPurgeBatch && !m_stopping;) {
        batch = co_await net::offload(m_slow, purge);
        purged += batch;
    }
    if (purged > 0) {
        log::info("deleted messages purged", {{"messages", purged}});
    }
}

void Daemon::coverKeys(const std::shared_ptr<const pop3::UnlockedMailbox>& opened) {
    const auto& recovery = m_config.keys.recovery;
    const auto mailbox = m_house.find(opened->mailbox());
    if (recovery && mailbox && !mailbox->recoverableBy(*recovery)) {
        asio::co_spawn(m_io, sealForRecovery(opened), asio::detached);
    }
}

asio::awaitable<void> Daemon::sealForRecovery(std::shared_ptr<const pop3::UnlockedMailbox> opened) {
    const MailboxId& id = opened->mailbox();
    auto seal = [this, opened] {
        m_keeper.sealForRecovery(opened->mailbox(), opened->keys());
        return m_keeper.current();
    };
    try {
        const auto before = m_house.find(id);
        takeOver(co_await net::offload(m_records, seal));
        if (m_house.find(id) != before) {
            log::notice("mailbox's keys sealed for the recovery key too", {{"mailbox", id.str()}});
        }
    } catch (const Error& error) {
        log::warning("mailbox's keys not sealed for the recovery key; the next login tries again",
                     {{"mailbox", id.str()}, {"cause", error.what()}});
    }
}

asio::awaitable<void> Daemon::forgetIdleKeys() {
    m_pop3Server.sweep();
    co_return;
}

}  // namespace gateway
