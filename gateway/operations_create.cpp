// New mailboxes, and what would become of a request for one: made here, or taken over from another
// gateway with address and password. Never replaces a mailbox that exists.
#include "crypto/sealed_text.h"
#include "gateway/base/log.h"
#include "gateway/exit_code.h"
#include "gateway/mailbox_address.h"
#include "gateway/operations.h"
#include "gateway/request_fields.h"

namespace gateway {

namespace {

using nlohmann::json;

struct Wanted {
    RegistryKeeper::NewMailbox mailbox;
    bool passwordGiven = false;
};

Wanted wantedIn(json& request, const std::string& domain) {
    auto given = takeSecret(request, "password");
    const bool isGiven = given.has_value();
    // An adopted password costs what a generated one does, for gateways generate theirs; a login
    // that cost more would tell strangers which mailboxes there are.
    Wanted wanted{
        .mailbox = {.address = std::nullopt,
                    .name = nameIn(request),
                    .description = descriptionIn(request),
                    .password = isGiven ? std::move(*given) : crypto::Password::generate(),
                    .logN = crypto::kGeneratedPasswordCost,
                    .status = request.value("suspended", false) ? MailboxStatus::Suspended
                                                                : MailboxStatus::Active},
        .passwordGiven = isGiven};
    if (isGiven) {
        requireUsable(wanted.mailbox.password);
    }
    if (const auto address = fieldOf(request, "address")) {
        wanted.mailbox.address = mailboxIdOf(*address, domain);
    } else if (isGiven) {
        throw Refusal(EX_USAGE,
                      "a password can be given only for an address that is taken over from another "
                      "gateway; give that address too, or let a password be made");
    }
    return wanted;
}

}  // namespace

json Operations::create(json& request) {
    Wanted wanted = wantedIn(request, m_config.domain);
    json answer =
        wanted.passwordGiven ? json::object() : json{{"password", wanted.mailbox.password.view()}};
    const auto made = m_keeper.create(std::move(wanted.mailbox));
    log::info("mailbox made", {{"mailbox", made->id.str()}, {"name", made->name}});
    answer.update(connection(*made));
    return answer;
}

json Operations::checkNew(json& request) {
    const Wanted wanted = wantedIn(request, m_config.domain);
    const auto& address = wanted.mailbox.address;
    const auto registry = m_keeper.current();
    if (address && registry->unreadable(*address)) {
        throw Refusal(EX_DATAERR, "the record of " + address->str() +
                                      " is here but cannot be read; `postern check` says why");
    }
    const auto mailbox = address ? registry->find(*address) : nullptr;
    if (!mailbox) {
        return {{"exists", false}};
    }
    if (mailbox->status == MailboxStatus::Deleted) {
        throw Refusal(EX_DATAERR,
                      address->str() + " was deleted here; `postern mailbox activate` undoes that");
    }
    if (wanted.passwordGiven && openWithPassword(*mailbox, wanted.mailbox.password).empty()) {
        throw Refusal(EX_NOPERM,
                      address->str() +
                          " exists here already, with another password; leave it out, or find out "
                          "which of the two its archiver uses");
    }
    json answer = connection(*mailbox);
    answer["exists"] = true;
    return answer;
}

}  // namespace gateway
