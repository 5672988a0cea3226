#include "gateway/commands_drain.h"

#include <iostream>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "gateway/answer_text.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/operations_drain.h"
#include "gateway/output.h"
#include "gateway/request.h"

namespace gateway {

namespace {

using nlohmann::json;

struct DrainArguments {
    std::string length = "8h";
    bool sure = false;
    bool json = false;
};

/// Whether the admin wants it although no twin takes the mail. Throws Refusal where nobody can be
/// asked.
bool isSure(const DrainArguments& arguments) {
    if (arguments.sure) {
        return true;
    }
    const std::string meaning(meaningWithoutTwin());
    if (::isatty(STDIN_FILENO) == 0) {
        throw Refusal(EX_USAGE, meaning + ". With --yes it drains all the same");
    }
    std::string text = meaning + ".\nDrain this node all the same? [y/N] ";
    text.front() = 'T';
    std::cerr << text << std::flush;
    std::string line;
    std::getline(std::cin, line);
    return equalsIgnoringCase(trimmed(line), "y") || equalsIgnoringCase(trimmed(line), "yes");
}

std::string describe(const json& drain, bool twin) {
    std::string text = "No new mail is taken ";
    text += drain.at("until").is_string() ? "until " + textOf(drain, "until")
                                          : std::string("until `postern drain off`");
    text += twin ? ": senders take the other node.\n" : ".\n";
    return text +
           "Archivers go on fetching. `postern status` says when this node is drained and may be "
           "stopped.\n";
}

int begin(const Config& config, const DrainArguments& arguments) {
    Carrier carrier(config);
    json request{{"operation", "drain.on"}, {"for", arguments.length}};
    if (!carrier.carryOut({{"operation", "drain.show"}}).at("twin").get<bool>()) {
        if (!isSure(arguments)) {
            throw Refusal(EX_TEMPFAIL, "nothing was changed: mail is taken as before");
        }
        request["without_twin"] = true;
    }
    json answer = carrier.carryOut(std::move(request));
    answer.erase("ok");
    print(arguments.json ? oneLineOf(answer)
                         : describe(answer.at("drain"), answer.at("twin").get<bool>()));
    return EX_OK;
}

int end(const Config& config, const DrainArguments& arguments) {
    json answer = carryOut(config, {{"operation", "drain.off"}});
    answer.erase("ok");
    print(arguments.json                 ? oneLineOf(answer)
          : answer.at("was").get<bool>() ? "The drain has ended: mail is taken again.\n"
                                         : "This node did not drain; it takes mail.\n");
    return EX_OK;
}

}  // namespace

void addDrainCommands(CLI::App& app, CommandLine& line) {
    CLI::App* drain = app.add_subcommand(
        "drain", "Take no new mail for a while, so that the node can be stopped");
    drain->require_subcommand(1);
    const auto typed = std::make_shared<DrainArguments>();
    CLI::App* on =
        addCommand(*drain, line, "on", "Send senders to another MX; archivers go on fetching",
                   asOwner(begin, typed));
    on->add_option("--for", typed->length, "For how long: 90m, 8h, 2d; or ever (default: 8h)")
        ->type_name("TIME");
    on->add_flag("--yes", typed->sure, "Also where no twin takes the mail");
    CLI::App* off = addCommand(*drain, line, "off", "Take mail again", asOwner(end, typed));
    for (CLI::App* command : {on, off}) {
        command->add_flag("--json", typed->json, "Print one line of JSON");
    }
}

}  // namespace gateway
