// Backups of the records, and bringing them back (SPEC section 6).
// Never takes anything from a backup before all of it was read and found whole.
#include <chrono>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/mail/backup.h"
#include "gateway/operations.h"
#include "webui/admins.h"

namespace gateway {

namespace {

using nlohmann::json;

json toJson(const RecordChange& change) {
    const auto& known = change.after ? change.after : change.before;
    return {{"address", change.mailbox.str()},       {"name", known ? json(known->name) : json()},
            {"new", !change.before && change.after}, {"added", change.added},
            {"held_back", change.heldBack},          {"changes", change.describe()}};
}

/// Of the same domain, unless the admin knows that it is not.
void requireDomain(const Backup& backup, const std::string& domain, bool mayDiffer) {
    if (!equalsIgnoringCase(backup.domain, domain) && !mayDiffer) {
        throw Refusal(EX_DATAERR,
                      "the backup is of the domain " + backup.domain + ", and this node's is " +
                          domain +
                          ": senders and archivers of those mailboxes would not reach "
                          "them here. Set the domain in postern.toml, or import it with "
                          "--domain-differs");
    }
}

/// Adds the backup's accounts and tokens to this node's, in words; writes only where `write`.
std::vector<std::string> importAdmins(const Backup& backup, const Layout& layout, bool write) {
    if (backup.admins.empty()) {
        return {};
    }
    const webui::Admins::Reading reading = webui::Admins::parse(backup.admins);
    if (!reading.admins) {
        throw Refusal(EX_DATAERR,
                      "the backup cannot be used, and nothing was changed: its web "
                      "accounts: " +
                          reading.problem);
    }
    webui::Admins admins = webui::Admins::load(layout);
    auto added = admins.unite(*reading.admins);
    if (write && !added.empty()) {
        admins.save(layout);
        for (const std::string& one : added) {
            log::notice("imported from a backup: " + one);
        }
    }
    return added;
}

}  // namespace

json Operations::exportBackup(json& request) {
    Backup backup;
    backup.domain = m_config.domain;
    backup.hostname = m_config.hostname;
    backup.at = std::chrono::system_clock::now();
    backup.records = m_keeper.records();
    if (request.value("with_admins", false)) {
        backup.admins = webui::Admins::load(Layout(m_config.data)).text();
    }
    std::string text = backup.toToml();
    if (text.size() > Backup::kMostOctets) {
        throw Refusal(EX_SOFTWARE, "the backup would be larger than an import takes; copy " +
                                       m_config.data.native() +
                                       "/config instead, which is as good");
    }
    json unreadable = json::array();
    for (const MailboxId& id : m_keeper.current()->unreadableMailboxes()) {
        unreadable.push_back(id.str());
    }
    return {{"text", std::move(text)},
            {"mailboxes", backup.records.size()},
            {"unreadable", std::move(unreadable)}};
}

bool Operations::isNew() const {
    return m_keeper.current()->mailboxes().empty() &&
           webui::Admins::load(Layout(m_config.data)).accounts().empty();
}

json Operations::importBackup(json& request) {
    std::string why;
    const auto text = request.find("text");
    const bool isText = text != request.end() && text->is_string();
    const auto backup =
        Backup::fromToml(isText ? text->get_ref<const std::string&>() : std::string(), why);
    if (!backup) {
        throw Refusal(EX_DATAERR, "the backup cannot be used, and nothing was changed: " + why);
    }
    requireDomain(*backup, m_config.domain, request.value("domain_differs", false));
    const bool dryRun = request.value("dry_run", false);
    const bool trust = request.value("trust", false);
    const bool withAdmins = request.value("with_admins", false);
    if (withAdmins && !trust && !isNew()) {
        throw Refusal(EX_NOPERM,
                      "web accounts and tokens in a backup are signed by nobody: whoever altered "
                      "it could have added one. Where you know that the backup is yours, import "
                      "it with --trust; nothing was changed");
    }
    // Before the records: where it cannot be done, nothing is.
    const auto admins = withAdmins ? importAdmins(*backup, Layout(m_config.data), !dryRun)
                                   : std::vector<std::string>();
    const auto import =
        dryRun ? m_keeper.preview(backup->records, trust) : m_keeper.import(backup->records, trust);
    json changes = json::array();
    for (const RecordChange& change : import.changes) {
        changes.push_back(toJson(change));
    }
    if (!dryRun) {
        log::notice("backup imported", {{"made on", backup->hostname},
                                        {"made at", formatTimestamp(backup->at)},
                                        {"mailboxes", backup->records.size()},
                                        {"changed or held back", changes.size()},
                                        {"newly trusted nodes", import.trusted.size()}});
    }
    return {{"mailboxes", backup->records.size()},
            {"domain", backup->domain},
            {"hostname", backup->hostname},
            {"at", formatTimestamp(backup->at)},
            {"admins", admins},
            {"holds_admins", !backup->admins.empty()},
            {"changes", std::move(changes)},
            {"trusted", import.trusted},
            {"distrusted", import.distrusted}};
}

}  // namespace gateway
