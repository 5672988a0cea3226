#include "gateway/operations.h"

#include <algorithm>
#include <array>

#include "crypto/digest.h"
#include "crypto/sealed_text.h"
#include "crypto/secret_fields.h"
#include "gateway/answer.h"
#include "gateway/base/clock.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/mail/replaced_keys.h"
#include "gateway/mailbox_address.h"
#include "gateway/mailbox_summary.h"
#include "gateway/operations_admin.h"
#include "gateway/operations_certificate.h"
#include "gateway/operations_drain.h"
#include "gateway/operations_twin.h"
#include "gateway/request_fields.h"

namespace gateway {

namespace {

using nlohmann::json;

/// The changes of pins that a request asks for; empty where it asks for none.
json pinsIn(const json& request, const json& stated) {
    const auto found = request.find("allow");
    if (found == request.end() || !found->is_object()) {
        return json::object();
    }
    json whole = stated;
    whole.merge_patch(*found);
    std::string why;
    if (!Allow::parse(whole, why)) {
        throw Refusal(EX_DATAERR, "the pins cannot be changed so: " + why);
    }
    return *found;
}

/// The changes of alert limits that a request asks for; empty where it asks for none.
json limitsIn(const json& request) {
    const auto found = request.find("alerts");
    if (found == request.end() || !found->is_object()) {
        return json::object();
    }
    for (const auto& [name, limit] : found->items()) {
        const bool known = name == "silence" || name == "unfetched";
        const bool formed =
            limit.is_null() || (limit.is_string() && parseDuration(limit.get<std::string>()));
        if (!known || !formed) {
            throw Refusal(EX_DATAERR,
                          "the alert limit " + printable(name, 40) +
                              " cannot be set so; there are silence and unfetched, each a length "
                              "of time such as 90m, 8h or 3d, and 0s for never");
        }
    }
    return *found;
}

json portOf(const std::vector<ListenAddress>& listeners) {
    return listeners.empty() ? json() : json(listeners.front().port);
}

/// Another one after each change of what people say of a mailbox: not of what waits in it.
std::string versionOf(const Mailbox& mailbox) {
    json said = json::array({mailbox.name, mailbox.description, nameOf(mailbox.status),
                             mailbox.allowStated, mailbox.alerts, mailbox.heldBack});
    for (const MailboxKey& key : mailbox.keys) {
        said.push_back(key.recipient.str() + (key.acknowledged ? "+" : ""));
    }
    const auto digest = crypto::sha256(octetsOf(said.dump()));
    return hexOf(std::span(digest).first<16>());
}

}  // namespace

Operations::Operations(const Config& config, RegistryKeeper& keeper, MessageStore& store,
                       ReceiptLog* receipts)
    : m_config(config), m_keeper(keeper), m_store(store), m_receipts(receipts) {
    m_keeper.setRecovery(m_config.keys.recovery);
}

json Operations::perform(json request, MailboxTimes times) noexcept {
    m_times = std::move(times);
    json answer = answerOf([&] { return dispatch(request); });
    crypto::wipeSecrets(request);
    return answer;
}

json Operations::dispatch(json& request) {
    using Handler = json (Operations::*)(json&);
    static constexpr std::array<std::pair<std::string_view, Handler>, 15> kOperations{{
        {"mailbox.create", &Operations::create},
        {"mailbox.check_new", &Operations::checkNew},
        {"mailbox.list", &Operations::list},
        {"mailbox.show", &Operations::show},
        {"mailbox.edit", &Operations::edit},
        {"mailbox.suspend", &Operations::suspend},
        {"mailbox.delete", &Operations::remove},
        {"mailbox.activate", &Operations::activate},
        {"mailbox.change_password", &Operations::changePassword},
        {"mailbox.reset_password", &Operations::resetPassword},
        {"mailbox.unlock_earlier", &Operations::unlockEarlier},
        {"mailbox.recover", &Operations::recover},
        {"backup.export", &Operations::exportBackup},
        {"backup.import", &Operations::importBackup},
        {"message.restore", &Operations::restore},
    }};
    const std::string wanted = fieldOf(request, "operation").value_or("");
    for (const auto& [name, handler] : kOperations) {
        if (name == wanted) {
            return (this->*handler)(request);
        }
    }
    if (wanted.starts_with("admin.")) {
        return performOnAdmins(Layout(m_config.data), wanted, request);
    }
    if (wanted.starts_with("certificate.")) {
        return performOnCertificate(m_config, wanted, request);
    }
    if (wanted.starts_with("drain.")) {
        return performOnDrain(m_config, wanted, request);
    }
    if (wanted.starts_with("twin.")) {
        return performOnTwins(m_config, m_keeper, wanted, request);
    }
    throwUnknownOperation(wanted);
}

json Operations::list(json& /*request*/) {
    json mailboxes = json::array();
    for (const auto& [id, mailbox] : m_keeper.current()->mailboxes()) {
        mailboxes.push_back(summary(*mailbox));
    }
    return {{"mailboxes", std::move(mailboxes)}};
}

json Operations::show(json& request) { return {{"mailbox", details(*find(request))}}; }

json Operations::edit(json& request) {
    const auto mailbox = find(request);
    if (const auto known = fieldOf(request, "version"); known && *known != versionOf(*mailbox)) {
        throw Refusal(EX_TEMPFAIL,
                      mailbox->id.str() + " was changed meanwhile; look at it again first",
                      "changed_meanwhile");
    }
    const auto name = fieldOf(request, "name");
    const bool described = fieldOf(request, "description").has_value();
    const json pins = pinsIn(request, mailbox->allowStated);
    const json limits = limitsIn(request);
    const bool acknowledge = request.value("acknowledge", false);
    if (!name && !described && pins.empty() && limits.empty() && !acknowledge) {
        throw Refusal(EX_USAGE,
                      "nothing to change; give --name, --description, an --allow-… or --alert-… "
                      "option or --acknowledge");
    }
    auto changed = mailbox;
    if (name || described) {
        const std::string text = described ? descriptionIn(request) : mailbox->description;
        changed = m_keeper.describe(mailbox->id, name ? nameIn(request) : mailbox->name, text);
        log::info("mailbox described", {{"mailbox", changed->id.str()}, {"name", changed->name}});
    }
    if (!pins.empty()) {
        changed = m_keeper.setAllow(mailbox->id, pins);
        log::info("mailbox's senders pinned",
                  {{"mailbox", changed->id.str()}, {"senders", changed->allow.describe()}});
    }
    if (!limits.empty()) {
        changed = m_keeper.setAlerts(mailbox->id, limits);
        log::info("mailbox's alert limits set",
                  {{"mailbox", changed->id.str()}, {"limits", changed->alerts.dump()}});
    }
    if (acknowledge) {
        changed = m_keeper.acknowledge(mailbox->id);
        log::info("replaced passwords acknowledged", {{"mailbox", changed->id.str()}});
    }
    return {{"mailbox", details(*changed)}};
}

json Operations::suspend(json& request) { return setStatus(request, MailboxStatus::Suspended); }

json Operations::activate(json& request) { return setStatus(request, MailboxStatus::Active); }

json Operations::remove(json& request) {
    const auto mailbox = find(request);
    const json now = summary(*mailbox);
    const auto locked = now.at("locked").get<std::uint64_t>();
    const auto left = now.at("waiting").at("messages").get<std::uint64_t>() + locked;
    const bool discard = request.value("discard_messages", false);
    if (left > 0 && !discard) {
        throw Refusal(EX_DATAERR,
                      std::to_string(left) + " messages wait in " + mailbox->id.str() + ", " +
                          std::to_string(locked) +
                          " of them locked; suspend it and let the archiver fetch them first, or "
                          "discard them with --discard-messages",
                      "conflict");
    }
    // First no more mail, then what there is: what comes in between waits, and is shown.
    const auto deleted = mailbox->status == MailboxStatus::Deleted
                             ? mailbox
                             : m_keeper.setStatus(mailbox->id, MailboxStatus::Deleted);
    log::notice("mailbox deleted", {{"mailbox", deleted->id.str()}});
    if (discard) {
        const std::size_t discarded = discardMessages(*deleted);
        log::notice("messages of a deleted mailbox discarded",
                    {{"mailbox", deleted->id.str()}, {"messages", discarded}});
    }
    return {{"mailbox", details(*deleted)}};
}

std::size_t Operations::discardMessages(const Mailbox& mailbox) {
    std::size_t discarded = 0;
    for (const MailboxKey& key : mailbox.keys) {
        const Drop drop(mailbox.id, key.recipient);
        std::vector<MessageId> ids;
        for (const StoredMessage& message : m_store.list(drop).messages) {
            ids.push_back(message.id);
        }
        m_store.remove(drop, ids);
        if (m_receipts != nullptr) {
            m_receipts->deleted(mailbox.id, ids);
        }
        discarded += ids.size();
    }
    return discarded;
}

json Operations::setStatus(const json& request, MailboxStatus status) {
    auto mailbox = find(request);
    if (status == MailboxStatus::Suspended && mailbox->status == MailboxStatus::Deleted) {
        throw Refusal(
            EX_DATAERR,
            mailbox->id.str() + " is deleted; `postern mailbox activate` undoes that first",
            "conflict");
    }
    if (mailbox->status != status) {  // saying it twice needs no second statement
        mailbox = m_keeper.setStatus(mailbox->id, status);
        log::info("mailbox changed",
                  {{"mailbox", mailbox->id.str()}, {"status", std::string(nameOf(status))}});
    }
    return {{"mailbox", details(*mailbox)}};
}

std::shared_ptr<const Mailbox> Operations::find(const json& request) const {
    return mailboxIn(request, *m_keeper.current(), m_config.domain);
}

json Operations::connection(const Mailbox& mailbox) const {
    return {{"address", mailbox.id.str()},
            {"email", mailbox.id.str() + '@' + m_config.domain},
            {"name", mailbox.name},
            {"description", mailbox.description},
            {"status", nameOf(mailbox.status)},
            {"host", m_config.hostname},
            {"ports", ports()}};
}

json Operations::summary(const Mailbox& mailbox) const {
    return summaryOf(mailbox, countMessages(mailbox, m_store), m_times);
}

json Operations::details(const Mailbox& mailbox) const {
    json result = summary(mailbox);
    result.update(connection(mailbox));
    result["allow"] = mailbox.allowStated;
    result["alerts"] = mailbox.alerts;
    result["senders"] = mailbox.allow.describe();
    json keys = json::array();
    for (const MailboxKey& key : mailbox.keys) {
        keys.push_back({{"recipient", key.recipient.str()},
                        {"epoch", key.epoch},
                        {"node", key.nodeName},
                        {"created", formatTimestamp(key.at)}});
    }
    result["keys"] = std::move(keys);
    result["version"] = versionOf(mailbox);
    result["held_back"] = mailbox.heldBack;
    result["replaced_passwords"] = json::array();
    for (const ReplacedKey& replaced : replacedKeys(mailbox)) {
        if (!replaced.lost->acknowledged) {
            result["replaced_passwords"].push_back(
                {{"recipient", replaced.lost->recipient.str()}, {"text", describe(replaced)}});
        }
    }
    return result;
}

json Operations::ports() const {
    return {{"smtp", portOf(m_config.smtp.listen)},
            {"smtps", portOf(m_config.smtp.listenTls)},
            {"pop3", portOf(m_config.pop3.listen)},
            {"pop3s", portOf(m_config.pop3.listenTls)}};
}

}  // namespace gateway
