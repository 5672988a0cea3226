#include "gateway/commands_status.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gateway/answer_text.h"
#include "gateway/base/text.h"
#include "gateway/control.h"
#include "gateway/exit_code.h"
#include "gateway/output.h"
#include "gateway/status.h"
#include "gateway/status_text.h"

namespace gateway {

namespace {

using nlohmann::json;

/// Monitoring gives a check about ten seconds.
constexpr std::chrono::seconds kCheckPatience{8};
constexpr std::chrono::seconds kPatience{60};

struct StatusArguments {
    bool json = false;
    bool check = false;
};

json statusOf(const Config& config, std::chrono::seconds patience) {
    const Layout layout(config.data);
    if (auto answer = askServer(layout, {{"operation", "status"}}, {}, patience)) {
        if (!answer->value("ok", false)) {
            throw Refusal(answer->value("exit", EX_SOFTWARE),
                          answer->value("error", "no reason given"));
        }
        answer->erase("ok");
        return std::move(*answer);
    }
    std::error_code ignored;
    if (!std::filesystem::exists(layout.data(), ignored)) {
        throw Refusal(EX_UNAVAILABLE,
                      "the server does not run, and " + layout.data().native() +
                          " cannot be seen: start `postern serve`, which makes it, or mend "
                          "`data` in " +
                          config.file.native());
    }
    return describeStatusFromDisk(config, std::chrono::system_clock::now());
}

/// One line by the guidelines for monitoring plugins; its exit code.
int reportCheck(CheckState state, std::string text) {
    // What follows a pipe would be taken for figures, and a second line for further output.
    std::replace(text.begin(), text.end(), '\n', ' ');
    print(text + '\n');
    return static_cast<int>(state);
}

/// What keeps the check from an answer. A server that does not run or answer is as bad as it gets;
/// all else is a mistake of who set the check up.
int complainToMonitoring(int exitCode, const std::string& text) {
    const bool down = exitCode == EX_UNAVAILABLE || exitCode == exitCodeOf(Error::Kind::Busy);
    std::string line = down ? "POSTERN CRITICAL - " : "POSTERN UNKNOWN - ";
    line += printable(text, 500);
    std::replace(line.begin(), line.end(), '|', '/');
    return reportCheck(down ? CheckState::Critical : CheckState::Unknown, std::move(line));
}

int showStatus(const Config& config, const StatusArguments& arguments) {
    const json status = statusOf(config, arguments.check ? kCheckPatience : kPatience);
    if (arguments.check) {
        return reportCheck(checkState(status), checkLine(status, config));
    }
    print(arguments.json ? oneLineOf(status) : describeForPeople(status));
    return status.at("running").get<bool>() ? EX_OK : EX_UNAVAILABLE;
}

}  // namespace

void addStatusCommand(CLI::App& app, CommandLine& line) {
    const auto typed = std::make_shared<StatusArguments>();
    CLI::App* status =
        addCommand(app, line, "status", "How the server fares, and what needs attention",
                   asOwner(showStatus, typed));
    CLI::Option* asJson = status->add_flag("--json", typed->json, "Print one line of JSON");
    const auto beMonitored = [typed, &line] {
        typed->check = true;
        line.complain = complainToMonitoring;
    };
    status
        ->add_flag_callback("--check", beMonitored,
                            "One line with figures for Nagios, Icinga and the like; exit code 0 "
                            "(fine), 1 (warning), 2 (critical), 3 (cannot be told)")
        ->excludes(asJson);
    status->footer(
        "Exit code 69 where the server does not run; what can be told from the disk is "
        "shown all the same.");
}

}  // namespace gateway
