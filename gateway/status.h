// The state of the gateway as one JSON object, for `postern status` and the page.
// Never changes anything, and never opens a message.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/certificate_status.h"
#include "gateway/config.h"
#include "gateway/drain.h"
#include "gateway/elsewhere.h"
#include "gateway/mail/registry.h"
#include "gateway/store/message_store.h"
#include "gateway/turned_away.h"
#include "gateway/twin_report.h"
#include "gateway/watch/arrival_hours.h"
#include "gateway/watch/health.h"
#include "gateway/watch/mailbox_times.h"
#include "gateway/watch/store_trouble.h"

namespace gateway {

/// What only a running server knows, taken in one go on its I/O thread; a value, so that workers
/// may look at it.
struct ServerFacts {
    WallTime started;
    std::size_t smtpSessions = 0;
    std::size_t pop3Sessions = 0;
    CertificateState certificate;  ///< the one in use
    std::optional<WallTime> diskShortSince;
    std::optional<WallTime> diskProjected;
    std::vector<TurnedAwayCounts::Entry> turnedAway;
    std::vector<StoreTrouble::Entry> storeTrouble;
    std::optional<HealthSnapshot::Webhook> webhook;
    std::optional<HealthSnapshot::Receipts> receipts;
    std::vector<TwinReport> twins;
    bool memoryLocked = true;
    Elsewhere elsewhere;
};

/// What status is told from. `server` is null where none runs.
struct StatusSources {
    const Config& config;
    const Registry& registry;
    MessageStore& store;
    const MailboxTimes& times;
    const ServerFacts* server;
    std::optional<Drain> drain = std::nullopt;
    bool twin = false;                       ///< whether another node may take the mail
    const ArrivalHours* arrivals = nullptr;  ///< null: nothing is known of what is usual
};

/// Blocking: looks at the disk and lists every mailbox. What it cannot look at becomes a warning.
///
/// version, running, since, domain, hostname, data,
/// listeners [{address, port, protocol (smtp | pop3 | web | metrics), tls (starttls | implicit |
/// none)}], certificate (as describeCertificate()) or null, sessions {smtp, pop3} or null, disk
/// {free, min_free, projected} or null, drain {since, until (null: for ever), seconds_left (null
/// too), twin (whether there is one), sessions (of SMTP), waiting, locked, drained (safe to stop;
/// false where no server runs), text} or null, twins (an array of what twin_report.h tells of
/// each), records [{file, text}], turned_away [{mailbox, reason, refused, observed, last, peer,
/// seen}] or null, turned_away_more, mailboxes (as mailbox.list), warnings [toJson(HealthFinding),
/// the worst first]
nlohmann::json describeStatus(const StatusSources& sources, WallTime now);

/// The same from the disk alone, for where no server runs. Throws Error where the data directory
/// cannot be read.
nlohmann::json describeStatusFromDisk(const Config& config, WallTime now);

}  // namespace gateway
