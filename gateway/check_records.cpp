// The records as `postern check` sees them: what is damaged, what is held back and why, which
// passwords were replaced, which mailboxes a recovery key does not cover.
// Never unites or writes one.
#include <algorithm>

#include "gateway/check.h"
#include "gateway/mail/replaced_keys.h"
#include "gateway/record_files.h"

namespace gateway {

namespace {

/// Names each file whose statements do not count, and returns how many there are.
std::size_t checkTrust(const Layout& layout, const Record& record, const Trusts& trusts,
                       CheckReport& report) {
    std::size_t findings = 0;
    for (const auto& [key, file] : record.files()) {
        const bool trusted = trusts(file.node, file.nodeKey);
        const auto counts = [&](const Statement& statement) {
            return trusted && statement.signedBy(file.nodeKey);
        };
        const auto heldBack =
            file.statements.size() - static_cast<std::size_t>(std::count_if(
                                         file.statements.begin(), file.statements.end(), counts));
        if (heldBack > 0) {
            ++findings;
            report.problem(
                "records",
                layout.recordFile(record.mailbox(), file.node).native() + ": " +
                    std::to_string(heldBack) +
                    (heldBack == 1 ? " statement is" : " statements are") + " held back, because " +
                    (trusted ? "the signature is not that of the node"
                             : "this node does not trust node " + file.node.str() + " (" +
                                   file.nodeName + ')'),
                trusted ? "copy the file anew from that node or from a backup"
                        : "where you know that node, make a backup on it and run `postern backup "
                          "import --trust` here; else move the file away and find out who put "
                          "it there");
        }
    }
    return findings;
}

/// What the state folded from a record tells; returns the number of findings.
std::size_t checkState(const Layout& layout, const Mailbox& mailbox, CheckReport& report) {
    std::size_t findings = 0;
    if (mailbox.current() == nullptr) {
        ++findings;
        report.problem("records",
                       layout.record(mailbox.id).native() +
                           ": it names no key that counts, so mail for it must wait",
                       "copy its files from a backup or another node");
    }
    for (const ReplacedKey& replaced : replacedKeys(mailbox)) {
        if (!replaced.lost->acknowledged) {
            ++findings;
            report.warning("records",
                           mailbox.id.str() + " (" + mailbox.name + "): " + describe(replaced),
                           "give the replaced one to `postern mailbox password --unlock-earlier`, "
                           "which opens what was sealed for it; `postern mailbox edit "
                           "--acknowledge` ends this notice");
        }
    }
    return findings;
}

}  // namespace

void checkRecords(const Config& config, CheckReport& report) {
    const Layout layout(config.data);
    const auto mailboxes = recordedMailboxes(layout);
    const Trusts trusts = trustedHere(layout);
    std::vector<Finding> unreadable;
    std::size_t findings = 0;
    for (const MailboxId& id : mailboxes) {
        const Record record = readRecord(layout, id, unreadable);
        findings += checkTrust(layout, record, trusts, report);
        findings += checkState(layout, record.fold(trusts), report);
    }
    for (const Finding& finding : unreadable) {
        report.problem("records", finding.path + ": " + finding.text,
                       "copy the file from a backup or another node; what the server knows from "
                       "before stays in force");
    }
    if (findings + unreadable.size() == 0) {
        report.ok("records", std::to_string(mailboxes.size()) + " mailboxes");
    }
}

void checkRecovery(const Config& config, CheckReport& report) {
    if (!config.keys.recovery) {
        return;
    }
    const Layout layout(config.data);
    const Trusts trusts = trustedHere(layout);
    std::vector<Finding> ignored;  // checkRecords() names them
    std::size_t uncovered = 0;
    for (const MailboxId& id : recordedMailboxes(layout)) {
        const Mailbox mailbox = readRecord(layout, id, ignored).fold(trusts);
        if (mailbox.status != MailboxStatus::Deleted &&
            !mailbox.recoverableBy(*config.keys.recovery)) {
            ++uncovered;
            report.warning("recovery",
                           id.str() + " (" + mailbox.name +
                               ") is not sealed for the recovery key yet: if its password is lost, "
                               "so is what it holds",
                           "it will be at the next POP3 login, or by `postern mailbox password " +
                               id.str() + "`");
        }
    }
    if (uncovered == 0) {
        report.ok("recovery", "every mailbox is sealed for the recovery key too");
    }
}

}  // namespace gateway
