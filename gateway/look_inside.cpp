#include "gateway/look_inside.h"

#include <fcntl.h>
#include <unistd.h>

#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/mail/ownership.h"
#include "gateway/mailbox_address.h"
#include "gateway/password_prompt.h"
#include "gateway/record_files.h"

namespace gateway {

using pop3::UnlockedMailbox;

Mailbox readMailbox(const Config& config, const std::string& address) {
    const MailboxId id = mailboxIdOf(address, config.domain);
    std::vector<Finding> findings;
    const Record record = readRecord(Layout(config.data), id, findings);
    if (record.files().empty() && findings.empty()) {
        throw Refusal(EX_DATAERR, "there is no mailbox " + id.str() +
                                      " here; `postern mailbox list` shows all");
    }
    if (record.files().empty()) {
        const Layout layout(config.data);
        if (::faccessat(AT_FDCWD, layout.record(id).c_str(), R_OK | X_OK, AT_EACCESS) != 0) {
            throwErrnoFor(layout, "read", layout.record(id));  // whom to become
        }
        throw Refusal(EX_DATAERR, findings.front().path + ": " + findings.front().text);
    }
    return record.fold([](const NodeId&, const crypto::VerifyKey&) { return true; });
}

crypto::Password askForPasswordOf(const std::string& address) {
    auto password = takePasswordFromEnvironment();
    return password ? std::move(*password)
                    : readPassword("Password of " + printable(address, 120) + ": ");
}

std::unique_ptr<UnlockedMailbox> unlock(Mailbox mailbox, const crypto::Password& password) {
    for (; !mailbox.keys.empty(); mailbox.keys.pop_back()) {
        if (auto unlocked = UnlockedMailbox::open(mailbox, password)) {
            return unlocked;
        }
    }
    throw Refusal(EX_NOPERM, "the password opens no key of " + mailbox.id.str() +
                                 "; give the one that was shown last, or an earlier one");
}

}  // namespace gateway
