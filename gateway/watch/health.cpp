#include "gateway/watch/health.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/watch/finding.h"
#include "gateway/watch/health_reports.h"
#include "gateway/watch/health_waiting.h"

namespace gateway {

namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// Later than this nobody can do more than hurry.
constexpr hours kCertificateCritical{3 * 24};
constexpr hours kDiskSoon{24};
constexpr std::chrono::minutes kTwinPatience{5};
constexpr std::size_t kNamed = 3;

/// So long nobody knows which hours are usual.
constexpr hours kYoung{14 * 24};
constexpr hours kSilenceOfYoung{24};

void judgeCertificate(const HealthSnapshot& snapshot, Findings& findings) {
    if (!snapshot.certificate) {
        return;
    }
    const HealthSnapshot::Certificate& certificate = *snapshot.certificate;
    if (!certificate.trouble.empty()) {
        add(findings, "certificate", Severity::Critical, certificate.trouble,
            "`postern check` says what is wrong with it");
        return;
    }
    if (!certificate.refused.empty()) {
        add(findings, "certificate", Severity::Warning,
            "a new certificate lies ready but is not used: " + certificate.refused,
            "put a right one there; it is looked at again whenever its files change")
            .about = "refused";
    }
    if (!certificate.renewalError.empty()) {
        add(findings, "certificate", Severity::Warning,
            "the authority gave no new certificate: " + certificate.renewalError,
            certificate.renewalAdvice.empty() ? "it is tried again by itself"
                                              : certificate.renewalAdvice)
            .about = "renewal";
    }
    const CertificateStage stage =
        certificateStage(certificate, snapshot.limits.certificate, snapshot.now);
    if (stage == CertificateStage::Fine) {
        return;
    }
    const bool over = stage == CertificateStage::Over;
    HealthFinding& finding = add(
        findings, "certificate",
        stage == CertificateStage::Soon ? Severity::Warning : Severity::Critical,
        over ? "the certificate has ended: senders and archivers that check it stay away"
             : "the certificate ends in " + span(snapshot.now, certificate.ends),
        certificate.renewsItself
            ? "the server renews it by itself; its log says why it did not"
            : "put a renewed one where tls.certificate and tls.key point, or `postern certificate "
              "import` it; the server takes it by itself");
    finding.deadlines.push_back({"The certificate", certificate.ends});
}

void judgeDisk(const HealthSnapshot& snapshot, Findings& findings) {
    if (!snapshot.disk) {
        return;
    }
    const HealthSnapshot::Disk& disk = *snapshot.disk;
    const std::uint64_t least = snapshot.limits.minFree;
    const std::string room =
        describeSize(disk.free) + " free, store.min_free is " + describeSize(least);
    const std::string advice =
        "make room on the disk of `data`, let archivers fetch, or lower store.min_free";
    if (disk.free <= least) {
        HealthFinding& finding = add(findings, "disk", Severity::Critical,
                                     "no mail is taken, senders wait: " + room, advice);
        finding.since = disk.shortSince;
        finding.deadlines = sendersGiveUp(disk.shortSince.value_or(snapshot.now));
        return;
    }
    if (disk.free - least < snapshot.limits.maxMessageSize) {
        add(findings, "disk", Severity::Warning,
            "the largest message would not fit any more: " + room, advice);
    }
    if (disk.projected && *disk.projected - snapshot.now < kDiskSoon) {
        add(findings, "disk_trend", Severity::Warning,
            "at the pace of the last day no mail can be taken in " +
                span(snapshot.now, *disk.projected) + ": " + room,
            advice)
            .deadlines.push_back({"The room for mail", *disk.projected});
    }
}

void judgeStore(const HealthSnapshot& snapshot, Findings& findings) {
    for (const HealthSnapshot::NotStored& trouble : snapshot.notStored) {
        HealthFinding& finding =
            add(findings, "not_stored", Severity::Critical,
                "mail cannot be stored, senders wait: " + trouble.cause + " (" +
                    counted(trouble.times, "time", "times") + ", last at " +
                    formatTimestamp(trouble.last) + ')',
                "mend the disk, its room or its permissions (`postern check` looks at them); mail "
                "flows again by itself");
        finding.about = trouble.cause;
        finding.since = trouble.since;
        finding.deadlines = sendersGiveUp(trouble.since);
    }
}

void judgeMailbox(const HealthSnapshot& snapshot, const HealthSnapshot::Mailbox& mailbox,
                  Findings& findings) {
    const auto say = [&](const char* kind, Severity severity, std::string text,
                         std::string advice) -> HealthFinding& {
        HealthFinding& finding =
            add(findings, kind, severity, named(mailbox) + std::move(text), std::move(advice));
        finding.mailbox = finding.about = mailbox.address;
        return finding;
    };
    if (!mailbox.trouble.empty()) {
        say("unlistable", Severity::Critical, ": its messages cannot be listed: " + mailbox.trouble,
            "`postern check` names what is wrong, `postern check --fix` mends owners and modes");
    }
    judgeWaiting(snapshot, mailbox, findings);
    if (mailbox.locked > 0) {
        say("locked", Severity::Warning,
            ": " + counted(mailbox.locked, "message needs", "messages need") +
                " an earlier password",
            "`postern mailbox password " + mailbox.address +
                " --unlock-earlier`, or --recover with the recovery key");
    }
    if (mailbox.leftOut > 0) {
        say("left_out", Severity::Warning,
            ": " + counted(mailbox.leftOut, "file is no message", "files are no messages") +
                " and left out",
            "`postern check` names each and what to do");
    }
    if (mailbox.heldBack > 0) {
        say("held_back", Severity::Warning,
            ": " + counted(mailbox.heldBack, "statement", "statements") +
                " about it, of a node that is not trusted or with a wrong signature, do not count",
            "`postern mailbox show " + mailbox.address +
                "`; trust the node if it is yours, else find out who put its file there");
    }
    for (const std::string& replaced : mailbox.replaced) {
        say("replaced_password", Severity::Warning, ": " + replaced,
            "give the replaced one to `postern mailbox password " + mailbox.address +
                " --unlock-earlier`; `postern mailbox edit " + mailbox.address +
                " --acknowledge` ends this notice")
            .about += ':' + replaced;
    }
}

void judgeSilence(const HealthSnapshot& snapshot, Findings& findings) {
    if (snapshot.drain || !snapshot.running) {
        return;  // other nodes take it
    }
    for (const HealthSnapshot::Mailbox& mailbox : snapshot.mailboxes) {
        const seconds limit = mailbox.silence.value_or(snapshot.limits.silence);
        if (limit <= seconds(0) || !mailbox.takesMail || !mailbox.received) {
            continue;
        }
        const bool young = snapshot.now - mailbox.created < kYoung;
        const bool silent =
            young ? snapshot.now - *mailbox.received >= kSilenceOfYoung : mailbox.missed >= limit;
        if (!silent) {
            continue;
        }
        HealthFinding& finding = add(
            findings, "silent", Severity::Warning,
            named(mailbox) + ": no mail came for " + span(*mailbox.received, snapshot.now) +
                (young ? std::string()
                       : ", though it usually does in " +
                             span(snapshot.now - mailbox.missed, snapshot.now) + " of that time"),
            "see whether the mail system still sends: its journal rule, connector and queue; "
            "`postern status` shows what was turned away");
        finding.mailbox = finding.about = mailbox.address;
        finding.since = mailbox.received;
    }
}

/// Those who give up before it ends; all of them where nobody knows its end.
void judgeDrain(const HealthSnapshot& snapshot, Findings& findings) {
    if (!snapshot.drain) {
        return;
    }
    const HealthSnapshot::Drain& drain = *snapshot.drain;
    HealthFinding& finding = add(findings, "drain", Severity::Warning, describeDrain(drain),
                                 drain.twin ? "`postern drain off` takes mail again"
                                            : "this node knows no twin, so senders wait unless "
                                              "another MX takes their mail; `postern drain off` "
                                              "takes it again");
    finding.since = drain.since;
    if (drain.until) {
        finding.deadlines.push_back({"The drain", *drain.until});
    }
    for (HealthFinding::Deadline& deadline : sendersGiveUp(drain.since)) {
        if (!drain.twin && (!drain.until || deadline.at < *drain.until)) {
            finding.deadlines.push_back(std::move(deadline));
        }
    }
    std::sort(finding.deadlines.begin(), finding.deadlines.end(),
              [](const auto& a, const auto& b) { return a.at < b.at; });
}

void judgeCoverage(const HealthSnapshot& snapshot, Findings& findings) {
    std::uint64_t count = 0;
    const HealthSnapshot::Mailbox* last = nullptr;
    for (const HealthSnapshot::Mailbox& mailbox : snapshot.mailboxes) {
        if (!mailbox.covered && !mailbox.deleted) {
            ++count;
            last = &mailbox;
        }
    }
    if (count == 0) {
        return;
    }
    HealthFinding& finding =
        add(findings, "not_recoverable", Severity::Warning,
            (count == 1 ? named(*last) + " is" : std::to_string(count) + " mailboxes are") +
                " not sealed for the recovery key yet: a lost password would lock the mail",
            "that happens at the next POP3 login or `postern mailbox password`; `postern check` "
            "lists them");
    finding.mailbox = count == 1 ? last->address : "";
}

/// A twin that restarts, or a change on its way, is nobody's concern.
void judgeTwins(const HealthSnapshot& snapshot, Findings& findings) {
    for (const HealthSnapshot::Twin& twin : snapshot.twins) {
        if (!twin.behindSince || snapshot.now - *twin.behindSince < kTwinPatience) {
            continue;
        }
        const std::string what =
            twin.reached ? counted(twin.differing, "mailbox differs", "mailboxes differ") +
                               " between this node and its twin " + twin.name
                         : "the twin " + twin.name + " is not reached: what is changed on one " +
                               "node is not known on the other";
        HealthFinding& finding =
            add(findings, "twin", Severity::Warning,
                what + (twin.error.empty() ? "" : " (" + twin.error + ')'), twin.advice);
        finding.since = twin.behindSince;
        finding.about = twin.name;
    }
}

std::string timesFrom(const HealthSnapshot::Refusals& refusals) {
    return ", " + counted(refusals.times, "time", "times") + ", last at " +
           formatTimestamp(refusals.last) + " from " + refusals.peer;
}

std::string adviceFor(const std::string& reason, const std::string& mailbox) {
    if (reason == "suspended") {
        return "`postern mailbox activate " + mailbox + "` takes mail again";
    }
    if (reason == "deleted") {
        return "let the mail system stop sending to it, or `postern mailbox activate " + mailbox +
               '`';
    }
    if (reason == "unreadable_record") {
        return "`postern check` names the file; put a copy of it back";
    }
    return "if that sender is yours, change what it does or the mailbox's pins: `postern mailbox "
           "show " +
           mailbox + "`; if not, the pins do their work";
}

void judgeRefusals(const HealthSnapshot& snapshot, Findings& findings) {
    std::vector<const HealthSnapshot::Refusals*> unknown;
    for (const HealthSnapshot::Refusals& refusals : snapshot.refusals) {
        if (refusals.reason == "unknown_mailbox") {
            unknown.push_back(&refusals);
            continue;
        }
        HealthFinding& finding =
            add(findings, refusals.putOff ? "put_off" : "refused",
                refusals.reason == "unreadable_record" ? Severity::Critical : Severity::Warning,
                refusals.mailbox + ": " + refusals.sentence + timesFrom(refusals),
                adviceFor(refusals.reason, refusals.mailbox));
        finding.mailbox = refusals.mailbox;
        finding.about = refusals.mailbox + ':' + refusals.reason;
        finding.since = refusals.since;
        if (refusals.putOff) {
            finding.deadlines = sendersGiveUp(refusals.since);
        }
    }
    if (unknown.empty()) {
        return;
    }
    // Strangers can name as many as they like: one finding, whatever their number.
    std::sort(unknown.begin(), unknown.end(),
              [](const auto* a, const auto* b) { return a->since < b->since; });
    std::string text = "mail for " + counted(unknown.size(), "mailbox", "mailboxes") +
                       " that this node does not know: ";
    for (std::size_t i = 0; i < std::min(unknown.size(), kNamed); ++i) {
        text += (i > 0 ? ", " : "") + unknown[i]->mailbox + " (" +
                std::to_string(unknown[i]->times) + " times, from " + unknown[i]->peer + ')';
    }
    text += unknown.size() > kNamed ? ", …" : "";
    HealthFinding& finding =
        add(findings, "unknown_mailbox", Severity::Warning, std::move(text),
            "if it is a mailbox of another node, copy that node's config/ or import its backup; if "
            "of another gateway, `postern mailbox create --address`; else correct the sender");
    finding.mailbox = unknown.size() == 1 ? unknown.front()->mailbox : "";
    finding.since = unknown.front()->since;
    if (unknown.front()->putOff) {
        finding.deadlines = sendersGiveUp(unknown.front()->since);
    }
}

}  // namespace

CertificateStage certificateStage(const HealthSnapshot::Certificate& certificate,
                                  std::chrono::seconds limit, WallTime now) {
    const auto left = certificate.ends - now;
    seconds critical = kCertificateCritical;
    if (certificate.renewsItself && certificate.lifetime > seconds(0)) {
        limit = std::min(limit, certificate.lifetime / 4);
        critical = std::min(critical, certificate.lifetime / 8);
    }
    if (left <= seconds(0)) {
        return CertificateStage::Over;
    }
    if (left >= limit) {
        return CertificateStage::Fine;
    }
    return left < critical ? CertificateStage::Critical : CertificateStage::Soon;
}

std::string describeDrain(const HealthSnapshot::Drain& drain) {
    if (drain.drained()) {
        return "drained, safe to stop: no new mail is taken, no SMTP session is open, and no "
               "message waits";
    }
    std::string text = "this node drains: no new mail is taken; " +
                       counted(drain.sessions, "SMTP session is", "SMTP sessions are") +
                       " still open, " + counted(drain.waiting, "message waits", "messages wait");
    if (drain.locked > 0) {
        text += ", and " +
                counted(drain.locked, "message stays here until", "messages stay here until") +
                " an earlier password opens " + (drain.locked == 1 ? "it" : "them");
    }
    return text + (drain.known ? "" : ", and a mailbox cannot be looked at");
}

Findings judgeHealth(const HealthSnapshot& snapshot) {
    Findings findings;
    if (!snapshot.running) {
        add(findings, "not_running", Severity::Critical,
            "the server does not run: no mail is taken, and none can be fetched",
            "start it, for instance `systemctl start postern`; its log says why it ended");
    }
    judgeStore(snapshot, findings);
    judgeDisk(snapshot, findings);
    judgeCertificate(snapshot, findings);
    for (const HealthSnapshot::Record& record : snapshot.records) {
        add(findings, "record", Severity::Warning, record.file + ": " + record.text,
            "copy the file from a backup or another node; what the server knows from before stays "
            "in force")
            .about = record.file;
    }
    judgeRefusals(snapshot, findings);
    judgeDrain(snapshot, findings);
    judgeTwins(snapshot, findings);
    for (const HealthSnapshot::Mailbox& mailbox : snapshot.mailboxes) {
        judgeMailbox(snapshot, mailbox, findings);
    }
    judgeSilence(snapshot, findings);
    judgeCoverage(snapshot, findings);
    judgeReports(snapshot, findings);
    std::stable_sort(
        findings.begin(), findings.end(),
        [](const HealthFinding& a, const HealthFinding& b) { return a.severity > b.severity; });
    return findings;
}

}  // namespace gateway
