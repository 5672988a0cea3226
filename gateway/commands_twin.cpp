#include "gateway/commands_twin.h"

#include <memory>
#include <nlohmann/json.hpp>

#include "crypto/secret.h"
#include "crypto/secret_fields.h"
#include "gateway/answer_text.h"
#include "gateway/exit_code.h"
#include "gateway/output.h"
#include "gateway/password_prompt.h"
#include "gateway/request.h"

namespace gateway {

namespace {

using nlohmann::json;

struct TwinArguments {
    std::string url;
    std::string twin;
    bool json = false;
};

int show(const TwinArguments& arguments, json answer, const std::string& text) {
    answer.erase("ok");
    print(arguments.json ? oneLineOf(answer) : text);
    return EX_OK;
}

int invite(const Config& config, const TwinArguments& arguments) {
    requireOutput();
    json request{{"operation", "twin.invite"}};
    if (!arguments.url.empty()) {
        request["url"] = arguments.url;
    }
    json answer = carryOut(config, std::move(request));
    if (answer.value("loopback", false)) {
        complain("nobody on another machine can come to " + textOf(answer, "url") +
                 ": let web.listen take an address of the network, or name one with --url");
    }
    answer.erase("ok");
    std::string text = arguments.json
                           ? oneLineOf(answer)
                           : answer.at("invitation").get_ref<const std::string&>() + '\n';
    crypto::wipeSecrets(answer);
    print(text);
    crypto::wipe(std::span<char>(text));
    return EX_OK;
}

crypto::Password readInvitation() {
    try {
        return readPassword("The line that `postern twin invite` printed: ");
    } catch (const Refusal& refusal) {
        throw Refusal(refusal.exit,
                      "no invitation was read; write the line that `postern twin invite` printed "
                      "to standard input, or paste it at the terminal");
    }
}

int join(const Config& config, const TwinArguments& arguments) {
    json request{{"operation", "twin.join"}};
    request["invitation"] = readInvitation().view();
    const json answer = carryOut(config, std::move(request));
    const json& twin = answer.at("twin");
    return show(arguments, answer,
                "This node and " + textOf(twin, "name") + " (" + textOf(twin, "node") +
                    ") are twins: each lets the other's statements count. How the exchange fares: "
                    "`postern twin list`.\n");
}

std::string stateOf(const json& twin) {
    if (!twin.at("reached").is_boolean()) {
        return "no server runs";
    }
    if (!twin.at("reached").get<bool>()) {
        return "not reached";
    }
    if (twin.at("in_step").get<bool>()) {
        return twin.at("connected").get<bool>() ? "in step" : "in step, asked every minute";
    }
    return numberOf(twin, "differing") + " mailboxes differ";
}

int list(const Config& config, const TwinArguments& arguments) {
    const json answer = carryOut(config, {{"operation", "twin.list"}});
    const json& twins = answer.at("twins");
    if (arguments.json) {
        print(oneLineOf(twins));
        return EX_OK;
    }
    if (twins.empty()) {
        print(
            "No twin yet: `postern twin invite` on one node, `postern twin join` on the other.\n");
        return EX_OK;
    }
    std::vector<std::vector<std::string>> rows{{"NAME", "STATE", "LAST EXCHANGE", "WHO CALLS"}};
    std::string troubles;
    for (const json& twin : twins) {
        const std::string url = textOf(twin, "url");
        rows.push_back({textOf(twin, "name"), stateOf(twin), textOf(twin, "last_exchange"),
                        url == "-" ? "it calls this node" : "this node, at " + url});
        if (twin.at("error").is_string()) {
            troubles += textOf(twin, "name") + ": " + textOf(twin, "error") + '\n';
        }
        if (twin.at("advice").is_string()) {
            troubles += "    " + textOf(twin, "advice") + '\n';
        }
    }
    print(asTable(rows) + troubles);
    return EX_OK;
}

int remove(const Config& config, const TwinArguments& arguments) {
    const json answer = carryOut(config, {{"operation", "twin.remove"}, {"twin", arguments.twin}});
    return show(arguments, answer,
                textOf(answer, "name") + " (" + textOf(answer, "node") +
                    ") is no twin any more: nothing new that it says counts here. Remove this node "
                    "there too.\n");
}

}  // namespace

void addTwinCommands(CLI::App& app, CommandLine& line) {
    CLI::App* twin = app.add_subcommand("twin", "Nodes that share the mailboxes of this one");
    twin->require_subcommand(1);
    const auto typed = std::make_shared<TwinArguments>();
    using Act = int (*)(const Config&, const TwinArguments&);
    const auto add = [&](const char* name, const char* description, Act act) {
        CLI::App* command = addCommand(*twin, line, name, description, asOwner(act, typed));
        command->add_flag("--json", typed->json, "Print one line of JSON");
        return command;
    };
    add("invite", "Print the line by which another node joins, once and within a day", invite)
        ->add_option("--url", typed->url,
                     "Where the other node calls this one; else https, hostname and the port of "
                     "web.listen")
        ->type_name("URL");
    add("join", "Join the node that printed that line, which is read from standard input", join);
    add("list", "All twins, and how the exchange with each fares", list);
    add("remove", "Part from a twin", remove)
        ->add_option("TWIN", typed->twin, "Its name, the id of its node, or its URL")
        ->required();
}

}  // namespace gateway
