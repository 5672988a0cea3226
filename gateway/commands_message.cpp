#include "gateway/commands_message.h"

#include <algorithm>
#include <memory>

#include "crypto/age_stream.h"
#include "gateway/answer_text.h"
#include "gateway/arrival.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/commands_import.h"
#include "gateway/exit_code.h"
#include "gateway/look_inside.h"
#include "gateway/mail/header_text.h"
#include "gateway/output.h"
#include "gateway/request.h"
#include "gateway/store/directory_store.h"

namespace gateway {

namespace {

using nlohmann::json;
using pop3::UnlockedMailbox;

struct MessageArguments {
    std::string address;
    std::string uidl;
    std::vector<std::string> uidls;
    bool deleted = false;
    bool json = false;
};

std::unique_ptr<UnlockedMailbox> unlock(const Config& config, const std::string& address) {
    Mailbox mailbox = readMailbox(config, address);
    const crypto::Password password = askForPasswordOf(mailbox.id.str());
    return unlock(std::move(mailbox), password);
}

/// What is told of a message without opening it.
json outlineOf(const MessageId& id, std::uint64_t sealedSize) {
    return {{"uidl", id.str()},
            {"arrived", formatTimestamp(arrivalOf(id))},
            {"octets", crypto::plaintextSize(sealedSize).value_or(0)}};
}

/// Adds who sent it and what about; "error" where it cannot be opened.
void addHeader(json& outline, std::unique_ptr<Outgoing> sealed, const crypto::OpenKey& key) {
    if (!sealed) {
        outline["error"] = "gone: it was removed by another session or by hand";
        return;
    }
    try {
        pop3::MessageReader reader(std::move(sealed), key);
        std::string start;
        reader.next(start);
        outline["from"] = headerBody(start, "From").value_or("-");
        outline["subject"] = headerBody(start, "Subject").value_or("-");
    } catch (const Error& error) {
        outline["error"] = error.what();
    }
}

json waitingIn(const UnlockedMailbox& mailbox, MessageStore& store) {
    json messages = json::array();
    std::vector<LeftOut> leftOut;
    for (const UnlockedMailbox::Stored& stored : mailbox.list(store, leftOut)) {
        json outline = outlineOf(stored.message.id, stored.message.sealedSize);
        addHeader(outline, store.open(mailbox.drop(stored), stored.message.id),
                  mailbox.key(stored));
        messages.push_back(std::move(outline));
    }
    for (const LeftOut& file : leftOut) {
        log::warning("not shown", {{"file", file.path}, {"why", file.why}});
    }
    return messages;
}

json deletedIn(const UnlockedMailbox& mailbox, MessageStore& store, std::chrono::seconds kept) {
    json messages = json::array();
    for (const crypto::OpenKey& key : mailbox.keys()) {
        const Drop drop(mailbox.mailbox(), key.sealKey());
        for (const DeletedMessage& message : store.listDeleted(drop)) {
            json outline = outlineOf(message.id, message.sealedSize);
            outline["deleted"] = formatTimestamp(message.deleted);
            outline["until"] = formatTimestamp(message.deleted + kept);
            addHeader(outline, store.openDeleted(drop, message.id), key);
            messages.push_back(std::move(outline));
        }
    }
    std::sort(messages.begin(), messages.end(),
              [](const json& a, const json& b) { return a.at("uidl") < b.at("uidl"); });
    return messages;
}

std::string describe(const json& messages, bool deleted) {
    constexpr std::size_t kWide = 60;
    std::vector<std::vector<std::string>> rows{
        {"UIDL", deleted ? "UNTIL" : "ARRIVED", "OCTETS", "FROM", "SUBJECT"}};
    for (const json& message : messages) {
        std::vector<std::string> row{textOf(message, "uidl"),
                                     textOf(message, deleted ? "until" : "arrived"),
                                     numberOf(message, "octets")};
        if (message.contains("error")) {
            row.emplace_back("damaged or gone:");
            row.push_back(textOf(message, "error"));
        } else {
            row.push_back(printable(message.value("from", ""), kWide));
            row.push_back(printable(message.value("subject", ""), kWide));
        }
        rows.push_back(std::move(row));
    }
    return asTable(rows);
}

int listMessages(const Config& config, const MessageArguments& arguments) {
    const auto mailbox = unlock(config, arguments.address);
    DirectoryStore store{Layout(config.data)};
    const json messages = arguments.deleted ? deletedIn(*mailbox, store, config.store.keepDeleted)
                                            : waitingIn(*mailbox, store);
    if (arguments.json) {
        print(oneLineOf(messages));
    } else if (!messages.empty()) {
        print(describe(messages, arguments.deleted));
    } else {
        print(arguments.deleted ? "No deleted message is kept here.\n"
                                : "No message waits here.\n");
    }
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
        for (const LeftOut& file : leftOut) {
            log::warning("not shown", {{"file", file.path}, {"why", file.why}});
        }
        throw Refusal(EX_NOINPUT, "no message " + id->str() +
                                      " waits here for this password; `postern message list` "
                                      "shows those that do, `… list --deleted` those that can be "
                                      "restored");
    }
    pop3::MessageReader reader(store, mailbox->drop(*found), *id, mailbox->key(*found));
    std::string plaintext;
    for (bool more = true; more; plaintext.clear()) {
        more = reader.next(plaintext);
        print(plaintext);
    }
    return EX_OK;
}

int restoreMessages(const Config& config, const MessageArguments& arguments) {
    const json answer = carryOut(config, {{"operation", "message.restore"},
                                          {"address", arguments.address},
                                          {"uidls", arguments.uidls}});
    const json& messages = answer.at("messages");
    std::size_t unknown = 0;
    std::string text;
    for (const json& message : messages) {
        const std::string state = textOf(message, "state");
        unknown += state == "unknown" ? 1U : 0U;
        text += textOf(message, "uidl") + "  " +
                (state == "restored"  ? "restored"
                 : state == "waiting" ? "was not deleted, or is restored already"
                                      : "unknown: it was never here, or it is purged") +
                (message.value("locked", false) ? "; it needs an earlier password" : "") + '\n';
    }
    print(arguments.json ? oneLineOf(messages) : text);
    if (unknown > 0) {
        throw Refusal(EX_NOINPUT, std::to_string(unknown) + " of " +
                                      std::to_string(messages.size()) +
                                      " messages could not be restored; `postern message list "
                                      "--deleted` shows those that can");
    }
    return EX_OK;
}

}  // namespace

void addMessageCommands(CLI::App& app, CommandLine& line) {
    CLI::App* message =
        app.add_subcommand("message", "Look inside a mailbox, put messages in, bring them back");
    message->require_subcommand(1);
    message->footer(
        "Where a password is needed it is read from POSTERN_PASSWORD, from standard input, or at "
        "the\nterminal. To put messages in or to bring them back none is needed: they stay "
        "sealed.");
    const auto typed = std::make_shared<MessageArguments>();
    CLI::App* list =
        addCommand(*message, line, "list", "The messages that wait, with sender and subject",
                   asOwner(listMessages, typed));
    CLI::App* cat = addCommand(*message, line, "cat", "One message, as an archiver would get it",
                               asOwner(catMessage, typed));
    CLI::App* restore = addCommand(*message, line, "restore",
                                   "Let messages wait again that were fetched and deleted",
                                   asOwner(restoreMessages, typed));
    for (CLI::App* command : {list, cat, restore}) {
        addAddress(*command, typed->address);
    }
    for (CLI::App* command : {list, restore}) {
        command->add_flag("--json", typed->json, "Print one line of JSON");
    }
    list->add_flag("--deleted", typed->deleted,
                   "Those that were deleted and can be restored, and until when");
    cat->add_option("UIDL", typed->uidl, "As `message list` and POP3 UIDL show it")->required();
    restore->add_option("UIDL", typed->uidls, "As `message list --deleted` shows it")->required();
    addImportCommand(*message, line);
}

}  // namespace gateway
