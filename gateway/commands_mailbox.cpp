#include "gateway/commands_mailbox.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "crypto/secret.h"
#include "crypto/secret_fields.h"
#include "gateway/answer_text.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/commands_adopt.h"
#include "gateway/commands_password.h"
#include "gateway/exit_code.h"
#include "gateway/output.h"
#include "gateway/password_prompt.h"
#include "gateway/request.h"

namespace gateway {

namespace {

using nlohmann::json;

struct MailboxArguments {
    std::string address;  ///< empty where none was typed
    std::optional<std::string> name;
    std::optional<std::string> description;
    /// Pins by the names of `allow.*`, as typed; `none` takes one away.
    std::map<std::string, std::string> allow;
    /// Its own limits by name, as typed; `none` takes one away.
    std::map<std::string, std::string> alerts;
    bool passwordFromInput = false;
    std::string from;  ///< a file with a table of mailboxes
    bool discardMessages = false;
    bool acknowledge = false;
    bool json = false;
};

/// Adopted passwords shorter than this can be guessed by whoever copies the records.
constexpr std::size_t kShortPassword = 20;

/// A line to try the mailbox with.
std::string curlLine(const json& made) {
    const json& ports = made.at("ports");
    const std::string host = made.at("host").get<std::string>();
    const std::string implicit = numberOf(ports, "pop3s");
    const std::string where =
        implicit != "-" ? "pop3s://" + host + ':' + implicit + '/'
                        : "--ssl-reqd pop3://" + host + ':' + numberOf(ports, "pop3") + '/';
    return "curl --insecure " + where + " -u " + made.at("address").get<std::string>();
}

/// What is shown only once. `shown` is the password line.
std::string welcome(const json& made, std::string_view shown) {
    const std::string host = textOf(made, "host");
    std::string text = "The mailbox \"" + textOf(made, "name") + "\" is ready.\n\n";
    text += "  Address   " + textOf(made, "email") + '\n';
    text += "  Host      " + host + '\n';
    text += "  Ports     " + describePorts(made.at("ports")) + '\n';
    text += "  Login     " + textOf(made, "address") + '\n';
    text += "  Password  ";
    text += shown;
    text +=
        "\n\n"
        "What to do next:\n"
        "  1. Let the mail system send its journal to the address above: in Exchange and "
        "Microsoft\n"
        "     365 a journal rule, in Google Workspace a routing rule, in Postfix always_bcc.\n"
        "  2. Give the archiver a POP3 profile with the host, login and password above, TLS on, "
        "and\n"
        "     \"delete after archiving\" on. With a self-signed certificate it must be told to "
        "trust it.\n"
        "  3. Try it: ";
    text += curlLine(made);
    text += '\n';
    return text;
}

json addressed(const char* operation, const MailboxArguments& arguments) {
    return {{"operation", operation}, {"address", arguments.address}};
}

/// A pin's value, from what was typed; null takes it away.
json pinOf(const std::string& key, const std::string& typed) {
    if (typed.empty() || typed == "none") {
        return nullptr;
    }
    if (key == "only_journal_reports") {
        return typed == "yes";
    }
    if (key != "networks" && key != "certificate_names") {
        return typed;
    }
    json list = json::array();
    std::istringstream parts(typed);
    for (std::string part; std::getline(parts, part, ',');) {
        list.push_back(std::string(trimmed(part)));
    }
    return list;
}

/// "12 refused, last at … from …: no TLS", a row for each reason.
void addTurnedAway(const json& mailbox, std::vector<std::vector<std::string>>& rows) {
    for (const json& one : mailbox.value("turned_away", json::array())) {
        rows.push_back({"Turned away", textOf(one, "reason") + ": " + numberOf(one, "refused") +
                                           " refused, " + numberOf(one, "observed") +
                                           " taken all the same; last " + textOf(one, "last") +
                                           " from " + textOf(one, "peer") + " (" +
                                           textOf(one, "seen") + ")"});
    }
}

/// Carries out what changes or shows one mailbox, and shows how it is now.
int showAfter(const Config& config, const MailboxArguments& arguments, json request) {
    const json answer = carryOut(config, std::move(request));
    const json& mailbox = answer.at("mailbox");
    if (arguments.json) {
        print(oneLineOf(mailbox));
        return EX_OK;
    }
    const json& waiting = mailbox.at("waiting");
    const std::string oldest = textOf(waiting, "oldest");
    std::vector<std::vector<std::string>> rows{
        {"Name", textOf(mailbox, "name")},
        {"Description", textOf(mailbox, "description")},
        {"Status", textOf(mailbox, "status")},
        {"Address", textOf(mailbox, "email")},
        {"Host", textOf(mailbox, "host")},
        {"Ports", describePorts(mailbox.at("ports"))},
        {"Created", textOf(mailbox, "created")},
        {"Senders", textOf(mailbox, "senders")},
        {"Waiting", numberOf(waiting, "messages") + " messages, " +
                        describeSize(waiting.at("octets").get<std::uint64_t>()) +
                        (oldest == "-" ? "" : ", oldest of " + oldest)},
        {"Locked", numberOf(mailbox, "locked") + " messages that need an earlier password"}};
    for (const json& one : mailbox.value("elsewhere", json::array())) {
        rows.push_back({"On " + textOf(one, "name"), describeElsewhere(one)});
    }
    for (const auto& [limit, length] : mailbox.at("alerts").items()) {
        rows.push_back({"Alert " + printable(limit, 40),
                        length.is_string() ? textOf(mailbox.at("alerts"), limit.c_str()) : "-"});
    }
    addTurnedAway(mailbox, rows);
    for (const json& replaced : mailbox.at("replaced_passwords")) {
        rows.push_back({"Replaced", textOf(replaced, "text")});
    }
    if (mailbox.at("held_back") != 0) {
        rows.push_back({"Held back", numberOf(mailbox, "held_back") +
                                         " statements of nodes that are not trusted, see "
                                         "`postern check`"});
    }
    for (const json& key : mailbox.at("keys")) {
        rows.push_back({"Key " + numberOf(key, "epoch"), textOf(key, "recipient") + " of " +
                                                             textOf(key, "created") + ", made on " +
                                                             textOf(key, "node")});
    }
    print(asTable(rows));
    return EX_OK;
}

int createMailbox(const Config& config, const MailboxArguments& arguments) {
    requireOutput();
    json request{{"operation", "mailbox.create"}, {"name", arguments.name.value_or("")}};
    request["description"] = arguments.description.value_or("");
    if (!arguments.address.empty()) {
        request["address"] = arguments.address;
    }
    std::optional<crypto::Password> given;
    if (arguments.passwordFromInput) {
        given = readPassword("Password of the mailbox at the other gateway: ");
        request["password"] = given->view();
    }
    json made = carryOut(config, std::move(request));
    made.erase("ok");
    std::string text;
    if (arguments.json) {
        if (given) {
            made["password"] = given->view();
        }
        text = oneLineOf(made);
    } else if (given) {
        text = welcome(made, "the one that was given");
        if (given->view().size() < kShortPassword) {
            text += "\nThe password is short: whoever copies the records could guess it.\n";
        }
    } else {
        std::string shown = made.at("password").get<std::string>();
        shown +=
            "\n\nThe password is shown only this once and kept nowhere: store it now. Without "
            "it nobody\ncan read what arrives here, this gateway included.";
        text = welcome(made, shown);
        crypto::wipe(std::span<char>(shown));
    }
    crypto::wipeSecrets(made);
    try {
        print(text);
    } catch (const Error& error) {
        throw Error(error.kind(), std::string(error.what()) + "; the mailbox " +
                                      textOf(made, "address") +
                                      " was made, but its password could not be shown and is lost: "
                                      "suspend that mailbox and create another");
    }
    crypto::wipe(std::span<char>(text));
    return EX_OK;
}

int listMailboxes(const Config& config, const MailboxArguments& arguments) {
    const json answer = carryOut(config, {{"operation", "mailbox.list"}});
    const json& mailboxes = answer.at("mailboxes");
    if (arguments.json) {
        print(oneLineOf(mailboxes));
        return EX_OK;
    }
    std::vector<std::vector<std::string>> rows{
        {"ADDRESS", "STATUS", "WAITING", "SIZE", "LOCKED", "OLDEST", "NAME"}};
    const bool anyElsewhere =
        std::any_of(mailboxes.begin(), mailboxes.end(),
                    [](const json& mailbox) { return !elsewhereInShort(mailbox).empty(); });
    if (anyElsewhere) {
        rows.front().push_back("ELSEWHERE");
    }
    for (const json& mailbox : mailboxes) {
        const json& waiting = mailbox.at("waiting");
        rows.push_back(
            {textOf(mailbox, "address"), textOf(mailbox, "status"), numberOf(waiting, "messages"),
             describeSize(waiting.at("octets").get<std::uint64_t>()), numberOf(mailbox, "locked"),
             textOf(waiting, "oldest"), textOf(mailbox, "name")});
        if (anyElsewhere) {
            rows.back().push_back(elsewhereInShort(mailbox));
        }
    }
    print(rows.size() > 1
              ? asTable(rows)
              : "No mailbox yet; make one with `postern mailbox create --name NAME`.\n");
    return EX_OK;
}

int showMailbox(const Config& config, const MailboxArguments& arguments) {
    return showAfter(config, arguments, addressed("mailbox.show", arguments));
}

int editMailbox(const Config& config, const MailboxArguments& arguments) {
    json request = addressed("mailbox.edit", arguments);
    if (arguments.name) {
        request["name"] = *arguments.name;
    }
    if (arguments.description) {
        request["description"] = *arguments.description;
    }
    for (const auto& [key, typed] : arguments.allow) {
        request["allow"][key] = pinOf(key, typed);
    }
    for (const auto& [key, typed] : arguments.alerts) {
        request["alerts"][key] = typed == "none" ? json() : json(typed);
    }
    request["acknowledge"] = arguments.acknowledge;
    return showAfter(config, arguments, std::move(request));
}

int suspendMailbox(const Config& config, const MailboxArguments& arguments) {
    return showAfter(config, arguments, addressed("mailbox.suspend", arguments));
}

int deleteMailbox(const Config& config, const MailboxArguments& arguments) {
    json request = addressed("mailbox.delete", arguments);
    request["discard_messages"] = arguments.discardMessages;
    return showAfter(config, arguments, std::move(request));
}

int activateMailbox(const Config& config, const MailboxArguments& arguments) {
    return showAfter(config, arguments, addressed("mailbox.activate", arguments));
}

void addPinOptions(CLI::App& edit, std::map<std::string, std::string>& allow) {
    const auto add = [&](const char* name, const char* key, const char* description) {
        return edit
            .add_option_function<std::string>(
                name, [&allow, key](const std::string& typed) { allow[key] = typed; }, description)
            ->group("Who may send to it; `none` (or `no`) takes a pin away");
    };
    add("--allow-mode", "mode", "observe (count and show misses) or enforce (refuse)")
        ->check(CLI::IsMember({"observe", "enforce"}));
    add("--allow-networks", "networks", "Networks the sender's address lies in, by commas")
        ->type_name("CIDR,…");
    add("--allow-tls", "tls", "Whether the sender must use TLS, or show a certificate")
        ->check(CLI::IsMember({"none", "required", "certificate"}));
    add("--allow-certificate-names", "certificate_names",
        "Host names of which the sender's certificate must bear one, by commas")
        ->type_name("NAME,…");
    add("--allow-originator-org", "originator_org", "What the message's X-OriginatorOrg must say")
        ->type_name("DOMAIN");
    add("--allow-only-journal-reports", "only_journal_reports",
        "Whether the message must be a journal report of Exchange (X-MS-Journal-Report)")
        ->check(CLI::IsMember({"yes", "no"}));
}

void addAlertOptions(CLI::App& edit, std::map<std::string, std::string>& alerts) {
    for (const auto& [name, key, description] :
         {std::tuple("--alert-silence", "silence",
                     "How long no mail may come when it usually does"),
          std::tuple("--alert-unfetched", "unfetched", "How long the oldest message may wait")}) {
        edit.add_option_function<std::string>(
                name,
                [&alerts, setting = key](const std::string& typed) { alerts[setting] = typed; },
                description)
            ->type_name("TIME")
            ->group("When it is warned of it; `0s` for never, `none` for what postern.toml says");
    }
}

void addCreateOptions(CLI::App& create, MailboxArguments& typed) {
    CLI::Option* name =
        create.add_option("--name", typed.name, "What people call it")->type_name("NAME");
    CLI::Option* description =
        create.add_option("--description", typed.description, "Further words")->type_name("TEXT");
    CLI::Option* address =
        create.add_option("--address", typed.address, "Take over this address of another gateway")
            ->type_name("ADDRESS");
    create
        .add_flag("--password-stdin", typed.passwordFromInput,
                  "With --address: its password is read from standard input or the terminal")
        ->needs(address);
    create
        .add_option("--from", typed.from,
                    "Make many, by a CSV file whose first line names the columns address, "
                    "password,\nname, description (- is standard input); those that are there "
                    "already stay as they are")
        ->type_name("FILE")
        ->excludes(name)
        ->excludes(description)
        ->excludes(address);
    create.parse_complete_callback([&typed] {
        if (!typed.name && typed.from.empty()) {
            throw CLI::RequiredError("--name or --from");
        }
    });
}

}  // namespace

void addMailboxCommands(CLI::App& app, CommandLine& line) {
    CLI::App* mailbox = app.add_subcommand("mailbox", "Make, show and change mailboxes");
    mailbox->require_subcommand(1);
    const auto typed = std::make_shared<MailboxArguments>();
    const auto addAction = [&](const char* name, const char* description, const auto& action) {
        CLI::App* command = addCommand(*mailbox, line, name, description, action);
        command->add_flag("--json", typed->json, "Print one line of JSON");
        return command;
    };
    using Act = int (*)(const Config&, const MailboxArguments&);
    const auto add = [&](const char* name, const char* description, Act act) {
        return addAction(name, description, asOwner(act, typed));
    };
    const auto create = [typed](const Config& config) {
        return typed->from.empty() ? asOwner(createMailbox, typed)(config)
                                   : createMailboxesFrom(config, typed->from, typed->json);
    };
    addCreateOptions(*addAction("create", "Make a mailbox and print its password, once", create),
                     *typed);
    add("list", "All mailboxes with what waits in them", listMailboxes);
    CLI::App* show =
        add("show", "One mailbox, and what to enter in senders and archivers", showMailbox);
    CLI::App* edit = add("edit", "Change name, description, or who may send to it", editMailbox);
    CLI::App* suspend = add(
        "suspend", "Take no mail: senders try again later, archivers still fetch", suspendMailbox);
    CLI::App* activate = add("activate", "Take mail again, also after a delete", activateMailbox);
    CLI::App* remove = add("delete", "Refuse mail for good, once nothing waits", deleteMailbox);
    remove->add_flag("--discard-messages", typed->discardMessages, "Delete what waits, unread");
    for (CLI::App* command : {show, edit, suspend, activate, remove}) {
        addAddress(*command, typed->address);
    }
    edit->add_option("--name", typed->name, "The new name")->type_name("NAME");
    edit->add_option("--description", typed->description, "The new description")->type_name("TEXT");
    edit->add_flag(
        "--acknowledge", typed->acknowledge,
        "You have seen which passwords were replaced by another node's: no more notices");
    addPinOptions(*edit, typed->allow);
    addAlertOptions(*edit, typed->alerts);
    addPasswordCommand(*mailbox, line);
}

}  // namespace gateway
