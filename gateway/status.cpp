#include "gateway/status.h"

#include <algorithm>
#include <sys/statvfs.h>

#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/mail/replaced_keys.h"
#include "gateway/mailbox_summary.h"
#include "gateway/record_files.h"
#include "gateway/store/directory_store.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::size_t kMostTurnedAway = 1000;
/// Senders try again within that time; later, they were helped or have given up.
constexpr std::chrono::hours kRecent{6};

json timestamp(const std::optional<WallTime>& time) {
    return time ? json(formatTimestamp(*time)) : json();
}

json describeListeners(const Config& config) {
    json listeners = json::array();
    const auto add = [&](const std::vector<ListenAddress>& addresses, const char* protocol,
                         const char* tls) {
        for (const ListenAddress& address : addresses) {
            listeners.push_back({{"address", address.host},
                                 {"port", address.port},
                                 {"protocol", protocol},
                                 {"tls", tls}});
        }
    };
    add(config.smtp.listen, "smtp", "starttls");
    add(config.smtp.listenTls, "smtp", "implicit");
    add(config.pop3.listen, "pop3", "starttls");
    add(config.pop3.listenTls, "pop3", "implicit");
    add(config.web.listen, "web", "implicit");
    add(config.metrics.listen, "metrics", "none");
    return listeners;
}

std::optional<std::uint64_t> freeOctets(const Config& config) {
    struct statvfs found{};
    if (::statvfs(Layout(config.data).mailboxes().c_str(), &found) != 0) {
        return std::nullopt;
    }
    return std::uint64_t{found.f_bavail} * found.f_frsize;
}

/// A mailbox's own limit of that name, as its `alerts` states it.
std::optional<std::chrono::seconds> ownLimit(const Mailbox& mailbox, const char* name) {
    const auto found = mailbox.alerts.find(name);
    return found != mailbox.alerts.end() && found->is_string()
               ? parseDuration(found->get<std::string>())
               : std::nullopt;
}

/// Puts one answer and one snapshot together.
class Status {
public:
    Status(const StatusSources& sources, WallTime now) : m_sources(sources), m_now(now) {
        m_snapshot.now = now;
        m_snapshot.running = sources.server != nullptr;
        m_snapshot.limits.unfetched = sources.config.alerts.unfetched;
        m_snapshot.limits.certificate = sources.config.alerts.certificate;
        m_snapshot.limits.silence = sources.config.alerts.silence;
        if (sources.server != nullptr) {
            m_snapshot.webhook = sources.server->webhook;
            m_snapshot.receipts = sources.server->receipts;
            m_snapshot.memoryLocked = sources.server->memoryLocked;
        }
        m_snapshot.limits.minFree = sources.config.store.minFree;
        m_snapshot.limits.maxMessageSize = sources.config.smtp.maxMessageSize;
    }

    json describe() {
        const Config& config = m_sources.config;
        const ServerFacts* const server = m_sources.server;
        m_answer = {{"version", POSTERN_VERSION},
                    {"running", server != nullptr},
                    {"since", server != nullptr ? json(formatTimestamp(server->started)) : json()},
                    {"domain", config.domain},
                    {"hostname", config.hostname},
                    {"data", config.data.native()},
                    {"listeners", describeListeners(config)},
                    {"sessions", server != nullptr ? json{{"smtp", server->smtpSessions},
                                                          {"pop3", server->pop3Sessions}}
                                                   : json()},
                    {"drain", nullptr},
                    {"twins", json::array()}};
        addTwins();
        addCertificate();
        addDisk();
        addStoreTrouble();
        addRecords();
        addTurnedAway();
        addMailboxes();
        addDrain();
        m_answer["warnings"] = json::array();
        for (const HealthFinding& finding : judgeHealth(m_snapshot)) {
            m_answer["warnings"].push_back(toJson(finding, m_now));
        }
        return std::move(m_answer);
    }

private:
    void addTwins() {
        std::vector<TwinReport> reports;
        if (m_sources.server != nullptr) {
            reports = m_sources.server->twins;
        } else {
            try {
                reports = twinsOnDisk(m_sources.config);
            } catch (const Error& error) {
                m_snapshot.records.push_back(
                    {Layout(m_sources.config.data).twins().native(), error.what()});
            }
        }
        for (const TwinReport& report : reports) {
            m_answer["twins"].push_back(toJson(report, m_now));
            if (report.known) {
                m_snapshot.twins.push_back(forHealth(report));
            }
        }
    }

    void addCertificate() {
        const Config& config = m_sources.config;
        m_answer["certificate"] = nullptr;
        std::error_code ignored;
        if (m_sources.server == nullptr && certificateSource(config).isSelfSigned() &&
            !std::filesystem::exists(Layout(config.data).selfSignedCertificate(), ignored)) {
            return;  // made at the first start
        }
        // Given one, for clang holds a nested class with initialisers for not default
        // constructible.
        auto& judged = m_snapshot.certificate.emplace(HealthSnapshot::Certificate());
        try {
            const CertificateState state = m_sources.server != nullptr
                                               ? m_sources.server->certificate
                                               : certificateOnDisk(config);
            m_answer["certificate"] = describeCertificate(config, state, m_now);
            judged = certificateForHealth(state);
        } catch (const Error& error) {
            judged.trouble = std::string("the certificate cannot be read: ") + error.what();
        }
    }

    void addDisk() {
        m_answer["disk"] = nullptr;
        const auto free = freeOctets(m_sources.config);
        if (!free) {
            return;
        }
        HealthSnapshot::Disk disk;
        disk.free = *free;
        if (m_sources.server != nullptr) {
            disk.shortSince = m_sources.server->diskShortSince;
            disk.projected = m_sources.server->diskProjected;
        }
        m_answer["disk"] = {{"free", disk.free},
                            {"min_free", m_snapshot.limits.minFree},
                            {"projected", timestamp(disk.projected)}};
        m_snapshot.disk = disk;
    }

    /// Where nobody tries any more it cannot be told whether it is over.
    void addStoreTrouble() {
        if (m_sources.server == nullptr) {
            return;
        }
        for (const StoreTrouble::Entry& entry : m_sources.server->storeTrouble) {
            if (m_now - entry.last <= kRecent) {
                m_snapshot.notStored.push_back(
                    {entry.cause, entry.messages, entry.since, entry.last});
            }
        }
    }

    void addRecords() {
        m_answer["records"] = json::array();
        for (const Finding& finding : m_sources.registry.findings()) {
            m_answer["records"].push_back({{"file", finding.path}, {"text", finding.text}});
            m_snapshot.records.push_back({finding.path, finding.text});
        }
    }

    void addTurnedAway() {
        m_answer["turned_away"] = nullptr;
        if (m_sources.server == nullptr) {
            return;
        }
        std::vector<TurnedAwayCounts::Entry> entries = m_sources.server->turnedAway;
        std::stable_sort(entries.begin(), entries.end(),
                         [](const auto& a, const auto& b) { return a.last > b.last; });
        for (const TurnedAwayCounts::Entry& entry : entries) {
            if (isCurrent(entry)) {
                m_snapshot.refusals.push_back({entry.mailbox.str(), entry.reason, entry.sentence,
                                               putsOff(entry), entry.refused, entry.since,
                                               entry.lastRefused, entry.peer});
            }
        }
        m_answer["turned_away_more"] = entries.size() - std::min(entries.size(), kMostTurnedAway);
        if (entries.size() > kMostTurnedAway) {
            entries.erase(entries.begin() + kMostTurnedAway, entries.end());
        }
        m_answer["turned_away"] = json::array();
        for (const TurnedAwayCounts::Entry& entry : entries) {
            json described = entry.describe();
            described["mailbox"] = entry.mailbox.str();
            m_answer["turned_away"].push_back(std::move(described));
        }
    }

    bool putsOff(const TurnedAwayCounts::Entry& entry) const {
        return entry.putOff && (entry.kind != smtp::TurnedAway::Reason::UnknownMailbox ||
                                !m_sources.config.smtp.rejectUnknown);
    }

    /// Whether it went on lately, and would go on now.
    bool isCurrent(const TurnedAwayCounts::Entry& entry) const {
        using Reason = smtp::TurnedAway::Reason;
        if (entry.refused == 0 || m_now - entry.lastRefused > kRecent) {
            return false;
        }
        const Registry& registry = m_sources.registry;
        const auto mailbox = registry.find(entry.mailbox);
        switch (entry.kind) {
            case Reason::UnknownMailbox:
                return !mailbox && !registry.unreadable(entry.mailbox);
            case Reason::UnreadableRecord:
                return registry.unreadable(entry.mailbox) ||
                       (mailbox && mailbox->current() == nullptr);
            case Reason::Suspended:
                return mailbox && mailbox->status == MailboxStatus::Suspended;
            case Reason::Deleted:
                return mailbox && mailbox->status == MailboxStatus::Deleted;
            default:
                return mailbox && mailbox->allow.mode == Allow::Mode::Enforce;
        }
    }

    void addMailboxes() {
        m_answer["mailboxes"] = json::array();
        for (const auto& [id, mailbox] : m_sources.registry.mailboxes()) {
            MailboxCounts counts;
            HealthSnapshot::Mailbox state;
            try {
                counts = countMessages(*mailbox, m_sources.store);
            } catch (const Error& error) {
                state.trouble = error.what();
            }
            json summary = summaryOf(*mailbox, counts, m_sources.times);
            if (!state.trouble.empty()) {
                summary["waiting"] = nullptr;
                summary["locked"] = nullptr;
            }
            state.fetched = m_sources.times.of(id).fetched;
            if (m_sources.server != nullptr) {
                addElsewhere(summary, m_sources.server->elsewhere, m_now);
                state.visitElsewhere = visitElsewhere(id, m_sources.server->elsewhere);
            }
            m_answer["mailboxes"].push_back(std::move(summary));
            state.address = id.str();
            state.name = mailbox->name;
            state.waiting = counts.messages;
            state.locked = counts.locked;
            state.leftOut = counts.leftOut;
            state.oldest = counts.oldest;
            state.unfetched = ownLimit(*mailbox, "unfetched");
            addArrivals(*mailbox, counts, state);
            state.heldBack = mailbox->heldBack;
            for (const ReplacedKey& replaced : replacedKeys(*mailbox)) {
                if (!replaced.lost->acknowledged) {
                    state.replaced.push_back(gateway::describe(replaced));
                }
            }
            state.deleted = mailbox->status == MailboxStatus::Deleted;
            const auto& recovery = m_sources.config.keys.recovery;
            state.covered = !recovery || mailbox->recoverableBy(*recovery);
            m_snapshot.mailboxes.push_back(std::move(state));
        }
    }

    void addArrivals(const Mailbox& mailbox, const MailboxCounts& counts,
                     HealthSnapshot::Mailbox& state) const {
        state.silence = ownLimit(mailbox, "silence");
        state.takesMail = mailbox.status == MailboxStatus::Active;
        state.created = mailbox.created;
        state.received = std::max(m_sources.times.of(mailbox.id).received, counts.newest);
        if (m_sources.arrivals != nullptr) {
            state.missed = m_sources.arrivals->missed(mailbox.id, m_now);
        }
    }

    void addDrain() {
        if (!m_sources.drain || m_sources.drain->isOver(m_now)) {
            return;
        }
        auto& drain = m_snapshot.drain.emplace(HealthSnapshot::Drain());
        drain.since = m_sources.drain->since;
        drain.until = m_sources.drain->until;
        drain.twin = m_sources.twin;
        drain.sessions = m_sources.server != nullptr ? m_sources.server->smtpSessions : 0;
        for (const HealthSnapshot::Mailbox& mailbox : m_snapshot.mailboxes) {
            drain.waiting += mailbox.waiting;
            drain.locked += mailbox.locked;
            drain.known = drain.known && mailbox.trouble.empty();
        }
        json left;
        if (drain.until) {
            left = std::chrono::duration_cast<std::chrono::seconds>(*drain.until - m_now).count();
        }
        m_answer["drain"] = {
            {"since", formatTimestamp(drain.since)},
            {"until", timestamp(drain.until)},
            {"seconds_left", std::move(left)},
            {"twin", drain.twin},
            {"sessions", drain.sessions},
            {"waiting", drain.waiting},
            {"locked", drain.locked},
            {"drained", m_snapshot.running && drain.drained()},
            {"text", m_snapshot.running ? describeDrain(drain)
                                        : std::string("no mail is taken after the next start")}};
        if (!m_snapshot.running) {
            m_snapshot.drain.reset();  // nothing of it is under way
        }
    }

    const StatusSources& m_sources;
    WallTime m_now;
    HealthSnapshot m_snapshot;
    json m_answer;
};

std::optional<Drain> drainOnDisk(const Layout& layout, std::vector<Finding>& findings) {
    try {
        return loadDrain(layout);
    } catch (const Error& error) {
        findings.emplace_back(layout.drainFile().native(), error.what());
        return std::nullopt;
    }
}

/// Everybody's statements count where it cannot be told whose do: to look does no harm.
Trusts trustsOf(const Layout& layout, std::vector<Finding>& findings) {
    try {
        return trustedHere(layout);
    } catch (const Error& error) {
        findings.emplace_back(layout.node().native(), error.what());
        return [](const NodeId&, const crypto::VerifyKey&) { return true; };
    }
}

}  // namespace

json describeStatus(const StatusSources& sources, WallTime now) {
    return Status(sources, now).describe();
}

json describeStatusFromDisk(const Config& config, WallTime now) {
    const Layout layout(config.data);
    Registry::Mailboxes mailboxes;
    std::vector<MailboxId> unreadable;
    std::vector<Finding> findings;
    const Trusts trusts = trustsOf(layout, findings);
    for (const MailboxId& id : recordedMailboxes(layout)) {
        const Record record = readRecord(layout, id, findings);
        if (record.files().empty()) {
            unreadable.push_back(id);
            continue;
        }
        mailboxes[id] = std::make_shared<const Mailbox>(record.fold(trusts));
    }
    const auto drain = drainOnDisk(layout, findings);
    const Registry registry(std::move(mailboxes), std::move(unreadable), std::move(findings));
    DirectoryStore store(layout);
    const MailboxTimes times = MailboxTimes::load(layout);
    return describeStatus({config, registry, store, times, nullptr, drain, hasTwin(config)}, now);
}

}  // namespace gateway
