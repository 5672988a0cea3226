// What needs the admin: one list for `postern status`, the page and alerts, made from a snapshot of
// the gateway. A pure function: no clock, no file, no socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/clock.h"

namespace gateway {

/// All that health is judged from, as it was at `now`.
struct HealthSnapshot {
    WallTime now;
    bool running = true;

    struct Limits {
        std::chrono::seconds unfetched{std::chrono::hours(20)};
        std::chrono::seconds certificate{std::chrono::hours(14 * 24)};
        std::chrono::seconds silence{std::chrono::hours(3)};  ///< 0 for never
        std::uint64_t minFree = 0;
        std::uint64_t maxMessageSize = 0;
    } limits;

    struct Certificate {
        WallTime ends;
        bool renewsItself = false;
        std::string trouble;               ///< where there is none, or none that can be read
        std::chrono::seconds lifetime{0};  ///< from its first day to its last
        std::string refused;               ///< why a newer one that lies ready is not used
        std::string renewalError;          ///< why its authority gave no newer one
        std::string renewalAdvice;
    };
    std::optional<Certificate> certificate;

    struct Disk {
        std::uint64_t free = 0;
        std::optional<WallTime> shortSince;  ///< since when it is at or below min_free
        std::optional<WallTime> projected;   ///< when it will be, at the present pace
    };
    std::optional<Disk> disk;  ///< nothing where it could not be looked at

    struct Drain {
        WallTime since;
        std::optional<WallTime> until;
        bool twin = false;           ///< whether another node takes the mail
        std::uint64_t sessions = 0;  ///< of SMTP
        std::uint64_t waiting = 0;   ///< messages
        std::uint64_t locked = 0;    ///< messages that need an earlier password
        bool known = true;           ///< whether all mailboxes could be looked at
        /// Whether the node may be stopped, and nobody misses anything.
        bool drained() const { return known && sessions == 0 && waiting == 0 && locked == 0; }
    };
    std::optional<Drain> drain;  ///< where no new mail is to be taken

    /// An archiver that fetches mail of a mailbox from another node.
    struct VisitElsewhere {
        std::string node;  ///< its name
        WallTime before;   ///< the last visit but one
        WallTime last;
    };

    struct Mailbox {
        std::string address;
        std::string name;
        std::uint64_t waiting = 0;
        std::uint64_t locked = 0;   ///< messages that need an earlier password
        std::uint64_t leftOut = 0;  ///< files that are no messages
        std::optional<WallTime> oldest;
        std::optional<WallTime> fetched;  ///< when a message of it was last fetched here
        std::optional<VisitElsewhere> visitElsewhere;   ///< the latest, where there were two
        std::optional<std::chrono::seconds> unfetched;  ///< its own limit; 0 for never
        std::optional<std::chrono::seconds> silence;    ///< as unfetched
        std::uint64_t heldBack = 0;                     ///< statements that do not count
        std::vector<std::string> replaced;  ///< passwords that another node's replaced, in words
        bool deleted = false;
        bool takesMail = true;
        WallTime created;
        std::optional<WallTime> received;  ///< the last mail
        std::chrono::seconds missed{0};    ///< time since then in which mail is usual
        bool covered = true;               ///< by the recovery key, where there is one
        std::string trouble;               ///< why its messages cannot be listed
    };
    std::vector<Mailbox> mailboxes;

    /// Mail that still was refused or put off lately, of one mailbox and reason.
    struct Refusals {
        std::string mailbox;
        std::string reason;    ///< "unknown_mailbox", "suspended", …
        std::string sentence;  ///< the same in words
        bool putOff = false;   ///< 4xx: senders try again until they give up
        std::uint64_t times = 0;
        WallTime since;
        WallTime last;
        std::string peer;
    };
    std::vector<Refusals> refusals;

    /// Messages that the machine did not let us store, and that still come.
    struct NotStored {
        std::string cause;
        std::uint64_t times = 0;
        WallTime since;
        WallTime last;
    };
    std::vector<NotStored> notStored;

    /// Alerts that nobody takes.
    struct Webhook {
        WallTime since;
        std::string cause;
    };
    std::optional<Webhook> webhook;

    /// Receipts that cannot be written, while messages are.
    struct Receipts {
        WallTime since;
        std::string cause;
        std::uint64_t missed = 0;  ///< lines
    };
    std::optional<Receipts> receipts;

    bool memoryLocked = true;  ///< whether keys of all sessions stay out of the swap

    /// A node that this one exchanges records with.
    struct Twin {
        std::string name;
        bool reached = false;
        std::optional<WallTime> behindSince;  ///< since when the two do not know the same
        std::size_t differing = 0;            ///< mailboxes
        std::string error;
        std::string advice;
    };
    std::vector<Twin> twins;

    /// What is wrong with record files.
    struct Record {
        std::string file;
        std::string text;
    };
    std::vector<Record> records;
};

enum class Severity { Warning, Critical };

/// One thing that needs the admin.
struct HealthFinding {
    /// "not_running", "not_stored", "certificate", "disk", "disk_trend", "unfetched",
    /// "unfetched_here", "locked", "left_out", "unlistable", "unknown_mailbox", "refused",
    /// "put_off", "record", "held_back", "replaced_password", "not_recoverable", "drain", "silent",
    /// "webhook", "twin", "receipts", "memory".
    std::string kind;
    std::string about;  ///< tells it from others of its kind, as long as it lasts; may be empty
    Severity severity = Severity::Warning;
    std::string mailbox;  ///< empty where it is about none, or about several
    std::optional<WallTime> since;
    std::string text;    ///< what happened
    std::string advice;  ///< what to do
    /// Until when: who gives up, or what ends, at that time.
    struct Deadline {
        std::string who;
        WallTime at;
    };
    std::vector<Deadline> deadlines;  ///< in order of time
};

/// How near the end of the certificate is.
enum class CertificateStage { Fine, Soon, Critical, Over };

/// One that renews itself is late only where its renewal is, however short its life.
CertificateStage certificateStage(const HealthSnapshot::Certificate& certificate,
                                  std::chrono::seconds limit, WallTime now);

/// How far it is, in a sentence without a full stop: "drained, safe to stop: …".
std::string describeDrain(const HealthSnapshot::Drain& drain);

/// The worst first.
std::vector<HealthFinding> judgeHealth(const HealthSnapshot& snapshot);

/// {id (the same as long as it lasts), kind, severity, mailbox, since, text, advice, deadline (the
/// next one to come), deadlines
/// [{who, at}]}.
nlohmann::json toJson(const HealthFinding& finding, WallTime now);

/// "Exchange Online gave up at …, Exchange gives up at …"; empty where there is no deadline.
std::string describeDeadlines(const std::vector<HealthFinding::Deadline>& deadlines, WallTime now);

}  // namespace gateway
