#include "gateway/commands.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <system_error>

#include "gateway/base/error.h"
#include "gateway/check.h"
#include "gateway/command_line.h"
#include "gateway/commands_admin.h"
#include "gateway/commands_backup.h"
#include "gateway/commands_completion.h"
#include "gateway/commands_mailbox.h"
#include "gateway/commands_message.h"
#include "gateway/daemon.h"
#include "gateway/exit_code.h"
#include "gateway/privileges.h"

namespace gateway {

namespace {

int serveCommand(const Config& config) {
    hideMemory();
    try {
        return serve(config);
    } catch (const Error& error) {
        throw Refusal(exitCodeAtStart(error.kind()), error.what());
    } catch (const std::system_error& error) {
        throw Refusal(EX_CANTCREAT, error.what());
    }
}

void addCheckCommand(CLI::App& app, CommandLine& line) {
    const auto fix = std::make_shared<bool>(false);
    const auto check = [fix](const Config& config) { return checkAll(config, *fix); };
    addCommand(app, line, "check", "Check config, files, certificate and network", check)
        ->add_flag("--fix", *fix, "Mend owners and modes");
}

void addCommands(CLI::App& app, CommandLine& line) {
    app.require_subcommand(1);
    app.set_version_flag("--version", "postern " POSTERN_VERSION);
    app.option_defaults()->always_capture_default(false);
    addCommand(app, line, "serve", "Run the server in the foreground", serveCommand);
    addCheckCommand(app, line);
    addMailboxCommands(app, line);
    addBackupCommands(app, line);
    addMessageCommands(app, line);
    addAdminCommands(app, line);
    addCompletionCommand(app, line);
}

/// One line, whatever it is about: a message may quote what a file or a peer holds.
int complain(int exitCode, std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    std::cerr << "postern: " << text << '\n';
    return exitCode;
}

int parseAndRun(CLI::App& app, CommandLine& line, int argc, char** argv) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        return app.exit(asked) == 0 && std::cout.flush() ? EX_OK : EX_IOERR;
    } catch (const CLI::ParseError& error) {
        return complain(EX_USAGE, std::string(error.what()) + "; see `postern --help`");
    }
    return line.actionWithoutConfig ? line.actionWithoutConfig()
                                    : line.action(loadConfig(line.configFile));
}

}  // namespace

int runCommand(int argc, char** argv) {
    CLI::App app("Postern, an SMTP-to-POP3 journal gateway", "postern");
    CommandLine line;
    addCommands(app, line);
    try {
        return parseAndRun(app, line, argc, argv);
    } catch (const Refusal& refusal) {
        return complain(refusal.exit, refusal.text);
    } catch (const Error& error) {
        return complain(exitCodeOf(error.kind()), error.what());
    } catch (const std::system_error& error) {
        return complain(EX_IOERR, error.what());
    } catch (const std::exception& error) {
        return complain(EX_SOFTWARE, std::string(error.what()) + "; please report this");
    }
}

}  // namespace gateway
