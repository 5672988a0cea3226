// New passwords for mailboxes, and old ones that turn up again (SPEC section 4).
// Never takes away what a password opened that was given: older keys are chained to the new one.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/operations.h"
#include "gateway/request_fields.h"

namespace gateway {

namespace {

using nlohmann::json;

/// The secret of that name; the request loses it.
crypto::Password requireSecret(json& request, const char* name, const std::string& what) {
    auto secret = takeSecret(request, name);
    if (!secret) {
        throw Refusal(EX_USAGE, "the request has no " + what);
    }
    return std::move(*secret);
}

/// All keys that the present password opens.
OpenKeys openPresent(const Mailbox& mailbox, const crypto::Password& password) {
    OpenKeys keys = openWithPassword(mailbox, password);
    if (keys.empty()) {
        throw Refusal(EX_NOPERM,
                      "that is not the present password of " + mailbox.id.str() +
                          "; nothing was changed. Where it is lost, "
                          "`postern mailbox password --reset` sets a new one",
                      "wrong_password");
    }
    return keys;
}

std::string counted(std::size_t keys) {
    return std::to_string(keys) + (keys == 1 ? " key" : " keys");
}

}  // namespace

bool Operations::replacesKey(const json& request) {
    static constexpr std::array<std::string_view, 3> kReplacing{
        "mailbox.change_password", "mailbox.reset_password", "mailbox.recover"};
    const auto operation = request.find("operation");
    return operation != request.end() && operation->is_string() &&
           std::find(kReplacing.begin(), kReplacing.end(),
                     operation->get_ref<const std::string&>()) != kReplacing.end();
}

json Operations::replaceKey(const Mailbox& mailbox, const OpenKeys& older, const char* event) {
    const crypto::Password fresh = crypto::Password::generate();
    const auto changed = m_keeper.addKey(mailbox.id, fresh, older);
    log::info(event, {{"mailbox", changed->id.str()},
                      {"recipient", changed->current()->recipient.str()},
                      {"chained", counted(older.size())}});
    json answer = connection(*changed);
    answer["password"] = fresh.view();
    answer["keys_chained"] = older.size();
    return answer;
}

json Operations::changePassword(json& request) {
    const auto mailbox = find(request);
    const crypto::Password present = requireSecret(request, "password", "present password");
    return replaceKey(*mailbox, openPresent(*mailbox, present), "mailbox password changed");
}

json Operations::resetPassword(json& request) {
    return replaceKey(*find(request), {},
                      "mailbox password reset: what waited needs an earlier password");
}

json Operations::unlockEarlier(json& request) {
    const auto mailbox = find(request);
    const crypto::Password earlier = requireSecret(request, "earlier_password", "earlier password");
    const crypto::Password present = requireSecret(request, "password", "present password");
    const OpenKeys known = openPresent(*mailbox, present);
    const OpenKeys found = openWithEarlier(*mailbox, earlier, known);
    if (found.empty()) {
        throw Refusal(EX_NOPERM,
                      "the earlier password opens no key of " + mailbox->id.str() +
                          " that the present one does not open already; nothing was "
                          "changed",
                      "wrong_password");
    }
    m_keeper.sealForRecovery(mailbox->id, known);
    const auto changed = m_keeper.addChain(mailbox->id, found);
    log::info("an earlier password of the mailbox turned up",
              {{"mailbox", changed->id.str()}, {"chained", counted(found.size())}});
    json answer = connection(*changed);
    answer["keys_chained"] = found.size();
    return answer;
}

json Operations::recover(json& request) {
    const auto mailbox = find(request);
    const crypto::Password given = requireSecret(request, "identity", "recovery identity");
    const auto identity = crypto::OpenKey::parse(trimmed(given.view()));
    if (!identity) {
        throw Refusal(EX_DATAERR,
                      "what was given is no age identity; give the line \"AGE-SECRET-KEY-1…\" that "
                      "age-keygen wrote");
    }
    const OpenKeys opened = openWithRecovery(*mailbox, *identity);
    if (opened.empty()) {
        throw Refusal(EX_NOPERM,
                      "no key of " + mailbox->id.str() + " is sealed for " +
                          identity->sealKey().str() +
                          ", whose identity that is; nothing was changed",
                      "wrong_password");
    }
    return replaceKey(*mailbox, opened, "mailbox recovered with the recovery key");
}

}  // namespace gateway
