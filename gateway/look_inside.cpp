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

std::string headerField(std::string_view message, std::string_view name) {
    while (!message.empty() && !message.starts_with("\r\n")) {
        std::size_t end = message.find("\r\n");
        while (end != std::string_view::npos && end + 2 < message.size() &&
               (message[end + 2] == ' ' || message[end + 2] == '\t')) {
            end = message.find("\r\n", end + 2);
        }
        const std::string_view field = message.substr(0, end);
        if (field.size() > name.size() && field[name.size()] == ':' &&
            equalsIgnoringCase(field.substr(0, name.size()), name)) {
            std::string body(trimmed(field.substr(name.size() + 1)));
            for (std::size_t fold = body.find("\r\n"); fold != std::string::npos;
                 fold = body.find("\r\n", fold)) {
                body.erase(fold, 2);
            }
            return body;
        }
        if (end == std::string_view::npos) {
            break;
        }
        message.remove_prefix(end + 2);
    }
    return "-";
}

}  // namespace gateway
