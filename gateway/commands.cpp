#include "gateway/commands.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <system_error>

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/check.h"
#include "gateway/commands_mailbox.h"
#include "gateway/commands_message.h"
#include "gateway/commands_password.h"
#include "gateway/daemon.h"
#include "gateway/exit_code.h"
#include "gateway/privileges.h"

namespace gateway {

namespace {

constexpr const char* kConfigFile = "/etc/postern/postern.toml";

/// What was typed, and what it asks for.
struct CommandLine {
    std::string configFile = kConfigFile;
    bool fix = false;
    MailboxArguments mailbox;
    PasswordArguments password;
    MessageArguments message;
    std::function<int(const Config&)> action;
};

/// `work` as the owner of the data directory; what it holds in memory is nobody else's to see.
template <typename Work>
std::function<int(const Config&)> asOwner(Work work) {
    return [work](const Config& config) {
        log::configure(log::Level::Notice, log::Format::Text);  // less is for the server's log
        hideMemory();
        becomeOwnerOf(config.data);
        return work(config);
    };
}

CLI::App* addCommand(CLI::App& parent, CommandLine& line, const std::string& name,
                     const std::string& description, std::function<int(const Config&)> action) {
    CLI::App* command = parent.add_subcommand(name, description);
    command->add_option("--config", line.configFile, "The configuration file")
        ->capture_default_str()
        ->type_name("FILE");
    command->callback([&line, action = std::move(action)] { line.action = action; });
    return command;
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

void addPasswordCommand(CLI::App& mailbox, CommandLine& line) {
    PasswordArguments& given = line.password;
    CLI::App* password = addCommand(
        mailbox, line, "password", "Give a mailbox a new password, and print it, once",
        asOwner([&given](const Config& config) { return mailboxPassword(config, given); }));
    password->footer(
        "Asks for the present password; the new one then opens all that waits. What it needs is "
        "read at\nthe terminal, or from standard input, a line each.");
    password->add_option("ADDRESS", given.address, "mbx-…, with or without the domain")->required();
    password->add_flag("--json", given.json, "Print one line of JSON");
    CLI::Option* reset = password->add_flag(
        "--reset", given.reset,
        "The present one is lost: what waits is locked until an earlier one turns up");
    CLI::Option* unlock =
        password->add_flag("--unlock-earlier", given.unlockEarlier,
                           "Let the present one open what an earlier one opens; asks for the "
                           "earlier, then the present one");
    CLI::Option* recover =
        password->add_flag("--recover", given.recover,
                           "Asks for the identity of the recovery key instead of a password");
    reset->excludes(unlock)->excludes(recover);
    unlock->excludes(recover);
}

void addMailboxCommands(CLI::App& app, CommandLine& line) {
    CLI::App* mailbox = app.add_subcommand("mailbox", "Make, show and change mailboxes");
    mailbox->require_subcommand(1);
    MailboxArguments& given = line.mailbox;
    using Act = int (*)(const Config&, const MailboxArguments&);
    const auto add = [&](const char* name, const char* description, Act act) {
        CLI::App* command =
            addCommand(*mailbox, line, name, description,
                       asOwner([act, &given](const Config& config) { return act(config, given); }));
        command->add_flag("--json", given.json, "Print one line of JSON");
        return command;
    };

    CLI::App* create = add("create", "Make a mailbox and print its password, once", createMailbox);
    create->add_option("--name", given.name, "What people call it")->required()->type_name("NAME");
    create->add_option("--description", given.description, "Further words")->type_name("TEXT");
    CLI::Option* address =
        create->add_option("--address", given.address, "Take over this address of another gateway")
            ->type_name("ADDRESS");
    create
        ->add_flag("--password-stdin", given.passwordFromInput,
                   "With --address: its password is read from standard input or the terminal")
        ->needs(address);

    add("list", "All mailboxes with what waits in them", listMailboxes);
    CLI::App* show =
        add("show", "One mailbox, and what to enter in senders and archivers", showMailbox);
    CLI::App* edit = add("edit", "Change name, description, or who may send to it", editMailbox);
    CLI::App* suspend = add(
        "suspend", "Take no mail: senders try again later, archivers still fetch", suspendMailbox);
    CLI::App* activate = add("activate", "Take mail again, also after a delete", activateMailbox);
    CLI::App* remove = add("delete", "Refuse mail for good, once nothing waits", deleteMailbox);
    remove->add_flag("--discard-messages", given.discardMessages, "Delete what waits, unread");
    for (CLI::App* command : {show, edit, suspend, activate, remove}) {
        command->add_option("ADDRESS", given.address, "mbx-…, with or without the domain")
            ->required();
    }
    edit->add_option("--name", given.name, "The new name")->type_name("NAME");
    edit->add_option("--description", given.description, "The new description")->type_name("TEXT");
    addPinOptions(*edit, given.allow);
    addPasswordCommand(*mailbox, line);
}

void addMessageCommands(CLI::App& app, CommandLine& line) {
    CLI::App* message = app.add_subcommand("message", "Look inside a mailbox with its password");
    message->require_subcommand(1);
    message->footer(
        "The password is read from POSTERN_PASSWORD, from standard input, or at the terminal.");
    MessageArguments& given = line.message;
    CLI::App* list =
        addCommand(*message, line, "list", "The messages that wait, with sender and subject",
                   asOwner([&given](const Config& config) { return listMessages(config, given); }));
    CLI::App* cat =
        addCommand(*message, line, "cat", "One message, as an archiver would get it",
                   asOwner([&given](const Config& config) { return catMessage(config, given); }));
    for (CLI::App* command : {list, cat}) {
        command->add_option("ADDRESS", given.address, "mbx-…, with or without the domain")
            ->required();
    }
    cat->add_option("UIDL", given.uidl, "As `message list` and POP3 UIDL show it")->required();
}

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

void addCommands(CLI::App& app, CommandLine& line) {
    app.require_subcommand(1);
    app.set_version_flag("--version", "postern " POSTERN_VERSION);
    app.option_defaults()->always_capture_default(false);
    addCommand(app, line, "serve", "Run the server in the foreground", serveCommand);
    const auto check = [&line](const Config& config) { return checkAll(config, line.fix); };
    addCommand(app, line, "check", "Check config, files, certificate and network", check)
        ->add_flag("--fix", line.fix, "Mend owners and modes");
    addMailboxCommands(app, line);
    addMessageCommands(app, line);
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
    return line.action(loadConfig(line.configFile));
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
