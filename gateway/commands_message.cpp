#include "gateway/commands_message.h"

#include <algorithm>
#include <memory>

#include "crypto/age_stream.h"
#include "gateway/arrival.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/mailbox_address.h"
#include "gateway/output.h"
#include "gateway/password_prompt.h"
#include "gateway/record_files.h"
#include "gateway/store/directory_store.h"
#include "pop3/unlocked_mailbox.h"

namespace gateway {

namespace {

using pop3::UnlockedMailbox;

struct MessageArguments {
    std::string address;
    std::string uidl;
};

/// The mailbox as its files tell, without the lock and without a server: so it also works on a
/// copy or a read-only disk. Whose statements count does not matter here: the password decides
/// what opens.
Mailbox readMailbox(const Config& config, const MailboxId& id) {
    std::vector<Finding> findings;
    const Record record = readRecord(Layout(config.data), id, findings);
    if (record.files().empty() && findings.empty()) {
        throw Refusal(EX_DATAERR, "there is no mailbox " + id.str() +
                                      " here; `postern mailbox list` shows all");
    }
    if (record.files().empty()) {
        throw Refusal(EX_DATAERR, findings.front().path + ": " + findings.front().text);
    }
    return record.fold([](const NodeId&, const crypto::VerifyKey&) { return true; });
}

/// The newest key that the password opens, with all that are chained to it: an earlier password
/// still shows what was sealed under it.
std::unique_ptr<UnlockedMailbox> unlock(const Config& config, const std::string& address) {
    Mailbox mailbox = readMailbox(config, mailboxIdOf(address, config.domain));
    auto password = takePasswordFromEnvironment();
    if (!password) {
        password = readPassword("Password of " + mailbox.id.str() + ": ");
    }
    for (; !mailbox.keys.empty(); mailbox.keys.pop_back()) {
        if (auto unlocked = UnlockedMailbox::open(mailbox, *password)) {
            return unlocked;
        }
    }
    throw Refusal(EX_NOPERM, "the password opens no key of " + mailbox.id.str() +
                                 "; give the one that was shown last, or an earlier one");
}

/// The body of the first header field of that name (RFC 5322 2.2), unfolded, as it stands.
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

std::vector<std::string> rowOf(MessageStore& store, const UnlockedMailbox& mailbox,
                               const UnlockedMailbox::Stored& stored) {
    constexpr std::size_t kWide = 60;
    const StoredMessage& message = stored.message;
    std::vector<std::string> row{
        message.id.str(), formatTimestamp(arrivalOf(message.id)),
        std::to_string(crypto::plaintextSize(message.sealedSize).value_or(0))};
    try {
        pop3::MessageReader reader(store, mailbox.drop(stored), message.id, mailbox.key(stored));
        std::string start;
        reader.next(start);
        row.push_back(printable(headerField(start, "From"), kWide));
        row.push_back(printable(headerField(start, "Subject"), kWide));
    } catch (const Error& error) {
        row.emplace_back("damaged or gone:");
        row.push_back(printable(error.what()));
    }
    return row;
}

void warnOf(const std::vector<LeftOut>& leftOut) {
    for (const LeftOut& file : leftOut) {
        log::warning("not shown", {{"file", file.path}, {"why", file.why}});
    }
}

int listMessages(const Config& config, const MessageArguments& arguments) {
    const auto mailbox = unlock(config, arguments.address);
    DirectoryStore store{Layout(config.data)};
    std::vector<LeftOut> leftOut;
    const auto messages = mailbox->list(store, leftOut);
    std::vector<std::vector<std::string>> rows{{"UIDL", "ARRIVED", "OCTETS", "FROM", "SUBJECT"}};
    rows.reserve(messages.size() + 1);
    for (const UnlockedMailbox::Stored& stored : messages) {
        rows.push_back(rowOf(store, *mailbox, stored));
    }
    warnOf(leftOut);
    print(rows.size() > 1 ? asTable(rows) : "No message waits here.\n");
    return EX_OK;
}

int catMessage(const Config& config, const MessageArguments& arguments) {
    const auto id = MessageId::parse(arguments.uidl);
    if (!id) {
        throw Refusal(EX_USAGE, printable(arguments.uidl, 80) +
                                    " is no UIDL; `postern message list` shows them");
    }
    const auto mailbox = unlock(config, arguments.address);
    DirectoryStore store{Layout(config.data)};
    std::vector<LeftOut> leftOut;
    const auto messages = mailbox->list(store, leftOut);
    const auto found = std::find_if(
        messages.begin(), messages.end(),
        [&](const UnlockedMailbox::Stored& stored) { return stored.message.id == *id; });
    if (found == messages.end()) {
        warnOf(leftOut);
        throw Refusal(EX_NOINPUT, "no message " + id->str() +
                                      " waits here for this password; `postern message list` "
                                      "shows those that do");
    }
    pop3::MessageReader reader(store, mailbox->drop(*found), *id, mailbox->key(*found));
    std::string plaintext;
    for (bool more = true; more; plaintext.clear()) {
        more = reader.next(plaintext);
        print(plaintext);
    }
    return EX_OK;
}

}  // namespace

void addMessageCommands(CLI::App& app, CommandLine& line) {
    CLI::App* message = app.add_subcommand("message", "Look inside a mailbox with its password");
    message->require_subcommand(1);
    message->footer(
        "The password is read from POSTERN_PASSWORD, from standard input, or at the terminal.");
    const auto typed = std::make_shared<MessageArguments>();
    CLI::App* list =
        addCommand(*message, line, "list", "The messages that wait, with sender and subject",
                   asOwner(listMessages, typed));
    CLI::App* cat = addCommand(*message, line, "cat", "One message, as an archiver would get it",
                               asOwner(catMessage, typed));
    addAddress(*list, typed->address);
    addAddress(*cat, typed->address);
    cat->add_option("UIDL", typed->uidl, "As `message list` and POP3 UIDL show it")->required();
}

}  // namespace gateway
