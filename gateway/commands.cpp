#include "gateway/commands.h"

#include <iostream>
#include <memory>
#include <system_error>

#include "gateway/base/error.h"
#include "gateway/check.h"
#include "gateway/command_line.h"
#include "gateway/commands_admin.h"
#include "gateway/commands_backup.h"
#include "gateway/commands_certificate.h"
#include "gateway/commands_completion.h"
#include "gateway/commands_drain.h"
#include "gateway/commands_mailbox.h"
#include "gateway/commands_message.h"
#include "gateway/commands_receipts.h"
#include "gateway/commands_status.h"
#include "gateway/commands_twin.h"
#include "gateway/daemon.h"
#include "gateway/exit_code.h"
#include "gateway/output.h"
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
    const auto typed = std::make_shared<CheckOptions>();
    const auto act = [typed](const Config& config) {
        beginCommand();
        return checkAll(config, *typed);
    };
    CLI::App* check =
        addCommand(app, line, "check", "Check config, files, certificate and network", act);
    check->add_flag("--fix", typed->fix, "Mend owners and modes");
    check
        ->add_option("--deep", typed->deep,
                     "Also open every message of this mailbox to its end, with its password "
                     "(POSTERN_PASSWORD,\nstandard input, or the terminal)")
        ->type_name("ADDRESS");
}

void addCommands(CLI::App& app, CommandLine& line) {
    app.require_subcommand(1);
    app.set_version_flag("--version", "postern " POSTERN_VERSION);
    app.option_defaults()->always_capture_default(false);
    addCommand(app, line, "serve", "Run the server in the foreground", serveCommand);
    addCheckCommand(app, line);
    addStatusCommand(app, line);
    addMailboxCommands(app, line);
    addBackupCommands(app, line);
    addMessageCommands(app, line);
    addReceiptsCommand(app, line);
    addAdminCommands(app, line);
    addTwinCommands(app, line);
    addCertificateCommands(app, line);
    addDrainCommands(app, line);
    addCompletionCommand(app, line);
}

int complainAndExit(int exitCode, const std::string& text) {
    complain(text);
    return exitCode;
}

int parseAndRun(CLI::App& app, CommandLine& line, int argc, char** argv) {
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        return app.exit(asked) == 0 && std::cout.flush() ? EX_OK : EX_IOERR;
    } catch (const CLI::ParseError& error) {
        return complainAndExit(EX_USAGE, std::string(error.what()) + "; see `postern --help`");
    }
    return line.actionWithoutConfig ? line.actionWithoutConfig()
                                    : line.action(loadConfig(line.configFile));
}

}  // namespace

int runCommand(int argc, char** argv) {
    CLI::App app("Postern, an SMTP-to-POP3 journal gateway", "postern");
    CommandLine line;
    line.complain = complainAndExit;
    addCommands(app, line);
    try {
        return parseAndRun(app, line, argc, argv);
    } catch (const Refusal& refusal) {
        return line.complain(refusal.exit, refusal.text);
    } catch (const Error& error) {
        return line.complain(exitCodeOf(error.kind()), error.what());
    } catch (const std::system_error& error) {
        return line.complain(EX_IOERR, error.what());
    } catch (const std::exception& error) {
        return line.complain(EX_SOFTWARE, std::string(error.what()) + "; please report this");
    }
}

}  // namespace gateway
