#include "gateway/commands_admin.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "crypto/secret.h"
#include "crypto/secret_fields.h"
#include "gateway/answer_text.h"
#include "gateway/base/error.h"
#include "gateway/exit_code.h"
#include "gateway/output.h"
#include "gateway/password_prompt.h"
#include "gateway/request.h"
#include "webui/admins.h"

namespace gateway {

namespace {

using nlohmann::json;

struct AdminArguments {
    std::string name;
    std::string scope;
    std::string token;  ///< an id
    bool json = false;
    uid_t user = 0;  ///< who typed it, before the command became the owner of the data
};

json requestOf(const char* operation, const AdminArguments& arguments) {
    return {{"operation", operation}, {"name", arguments.name}, {"user", arguments.user}};
}

/// Prints the answer as JSON where that was asked for, else `text`.
int show(const AdminArguments& arguments, json answer, const std::string& text) {
    answer.erase("ok");
    print(arguments.json ? oneLineOf(answer) : text);
    return EX_OK;
}

/// Twice at a terminal, where nobody sees what was typed.
crypto::Password askNewPassword(const std::string& name) {
    if (const std::string wrong = webui::Admins::wrongWithName(name); !wrong.empty()) {
        throw Refusal(EX_USAGE, wrong);
    }
    crypto::Password password = readPassword("New password of " + name + ": ");
    if (const std::string wrong = webui::Admins::wrongWithPassword(name, password);
        !wrong.empty()) {
        throw Refusal(EX_DATAERR, wrong);
    }
    if (::isatty(STDIN_FILENO) != 0 && readPassword("The same again: ").view() != password.view()) {
        throw Refusal(EX_DATAERR, "the two are not the same; nothing was changed");
    }
    return password;
}

int createAdmin(const Config& config, const AdminArguments& arguments) {
    json request = requestOf("admin.create", arguments);
    request["password"] = askNewPassword(arguments.name).view();
    const json answer = carryOut(config, std::move(request));
    const std::string name = textOf(answer, "name");
    return show(arguments, answer,
                "The account " + name +
                    " may log in to the web page. A token for programs: `postern admin token " +
                    name + " --scope read`.\n");
}

int changePassword(const Config& config, const AdminArguments& arguments) {
    json request = requestOf("admin.password", arguments);
    request["password"] = askNewPassword(arguments.name).view();
    const json answer = carryOut(config, std::move(request));
    return show(arguments, answer,
                "The account " + textOf(answer, "name") +
                    " has the new password; its tokens stay as they are.\n");
}

std::string describeToken(const json& made) {
    const std::string name = textOf(made, "name");
    const std::string scope = textOf(made, "scope");
    std::string text = "Token " + textOf(made, "id") + " of " + name + ", scope " + scope;
    text += scope == "read"     ? ": it shows everything but mail, and changes nothing.\n"
            : scope == "manage" ? ": it may change everything but web accounts.\n"
                                : ": it is for a twin, to exchange records.\n";
    if (!made.at("account").get<bool>()) {
        text += name + " has no web account; the token works all the same.\n";
    }
    return text + "It is shown only this once. To take it back: `postern admin remove " + name +
           " --token " + textOf(made, "id") + "`\n" +
           made.at("token").get_ref<const std::string&>() + '\n';
}

int makeToken(const Config& config, const AdminArguments& arguments) {
    requireOutput();
    json request = requestOf("admin.token", arguments);
    request["scope"] = arguments.scope;
    json answer = carryOut(config, std::move(request));
    answer.erase("ok");
    std::string text = arguments.json ? oneLineOf(answer) : describeToken(answer);
    crypto::wipeSecrets(answer);
    try {
        print(text);
    } catch (const Error& error) {
        crypto::wipe(std::span<char>(text));
        throw Error(error.kind(), std::string(error.what()) +
                                      "; the token could not be shown and is lost: take it back "
                                      "with `postern admin remove " +
                                      textOf(answer, "name") + " --token " + textOf(answer, "id") +
                                      "`, and make another");
    }
    crypto::wipe(std::span<char>(text));
    return EX_OK;
}

int listAdmins(const Config& config, const AdminArguments& arguments) {
    const json answer = carryOut(config, {{"operation", "admin.list"}});
    const json& admins = answer.at("admins");
    if (arguments.json) {
        print(oneLineOf(admins));
        return EX_OK;
    }
    std::vector<std::vector<std::string>> rows{
        {"NAME", "WEB ACCOUNT", "TOKEN", "SCOPE", "CREATED"}};
    for (const json& each : admins) {
        const std::string created = textOf(each, "created");
        if (created != "-") {
            rows.push_back({textOf(each, "name"), "yes", "", "", created});
        }
        for (const json& token : each.at("tokens")) {
            rows.push_back({textOf(each, "name"), created == "-" ? "none" : "", textOf(token, "id"),
                            textOf(token, "scope"), textOf(token, "created")});
        }
    }
    print(rows.size() > 1 ? asTable(rows)
                          : "No web account and no token yet; make one with `postern admin create "
                            "NAME`.\n");
    return EX_OK;
}

int removeAdmin(const Config& config, const AdminArguments& arguments) {
    json request = requestOf("admin.remove", arguments);
    if (!arguments.token.empty()) {
        request["token"] = arguments.token;
    }
    const json answer = carryOut(config, std::move(request));
    const std::string name = textOf(answer, "name");
    const std::string text =
        arguments.token.empty()
            ? name + (answer.at("account").get<bool>() ? ": the account" : ": no account") +
                  " and " + numberOf(answer, "tokens") + " tokens removed.\n"
            : name + ": the token " + arguments.token + " opens nothing any more.\n";
    return show(arguments, answer, text);
}

void addName(CLI::App& command, AdminArguments& typed) {
    command.add_option("NAME", typed.name, "The account's name")->required();
}

}  // namespace

void addAdminCommands(CLI::App& app, CommandLine& line) {
    CLI::App* admin = app.add_subcommand("admin", "Web accounts and API tokens");
    admin->require_subcommand(1);
    const auto typed = std::make_shared<AdminArguments>();
    typed->user = ::getuid();
    using Act = int (*)(const Config&, const AdminArguments&);
    const auto add = [&](const char* name, const char* description, Act act) {
        CLI::App* command = addCommand(*admin, line, name, description, asOwner(act, typed));
        command->add_flag("--json", typed->json, "Print one line of JSON");
        return command;
    };
    CLI::App* create = add("create", "Make an account for the web page", createAdmin);
    CLI::App* password = add("password", "Give an account another password", changePassword);
    for (CLI::App* command : {create, password}) {
        command->footer(
            "Asks for the new password twice at the terminal, or takes it from standard input, one "
            "line.");
    }
    CLI::App* token =
        add("token", "Make an API token and print it, once, on the last line", makeToken);
    token->add_option("--scope", typed->scope, "read: look; manage: change; replicate: be a twin")
        ->required()
        ->check(CLI::IsMember({"read", "manage", "replicate"}));
    add("list", "All accounts and tokens", listAdmins);
    CLI::App* remove = add("remove", "Remove an account and its tokens", removeAdmin);
    remove->add_option("--token", typed->token, "Only the token of this id")->type_name("ID");
    for (CLI::App* command : {create, password, token, remove}) {
        addName(*command, *typed);
    }
}

}  // namespace gateway
