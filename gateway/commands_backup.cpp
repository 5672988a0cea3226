#include "gateway/commands_backup.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/answer_text.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/output.h"
#include "gateway/password_prompt.h"
#include "gateway/privileges.h"
#include "gateway/request.h"
#include "gateway/sealed_backup.h"

namespace gateway {

namespace {

using nlohmann::json;

struct BackupArguments {
    std::string file = "-";  ///< `-`: standard output or input
    bool passphrase = false;
    bool dryRun = false;
    bool trust = false;
    bool domainDiffers = false;
    bool withAdmins = false;
    bool json = false;
};

constexpr const char* kStandard = "-";
constexpr std::size_t kWide = 1000;  ///< of what a backup says, which may be a stranger's

crypto::Password newPassphrase() {
    crypto::Password passphrase = readPassword("Passphrase of the backup: ");
    requireStrong(passphrase);
    const bool typed = ::isatty(STDIN_FILENO) != 0;
    if (typed && readPassword("The same once more: ").view() != passphrase.view()) {
        throw Refusal(EX_DATAERR, "the two differ; nothing was written");
    }
    return passphrase;
}

/// The passphrase of a sealed backup, which cannot come from the same input as the backup.
crypto::Password passphraseFor(const std::string& file) {
    if (file != kStandard) {
        return readPassword("Passphrase of the backup: ");
    }
    if (auto given = takePasswordFromEnvironment()) {
        return std::move(*given);
    }
    throw Refusal(EX_USAGE,
                  "the backup is sealed and comes from standard input: give its passphrase in "
                  "POSTERN_PASSWORD, or the backup as a FILE");
}

/// All of standard input, at most `most` octets.
std::string readStandardInput(std::size_t most) {
    std::string text;
    std::array<char, 65536> buffer{};
    for (;;) {
        const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (check(got, "read", "standard input") == 0) {
            return text;
        }
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > most) {
            throw Refusal(EX_DATAERR, "standard input is larger than any backup; nothing changed");
        }
    }
}

std::string readBackup(const std::string& file) {
    std::string text = file == kStandard ? readStandardInput(kMostSealedBackup)
                                         : readWhole(file, kMostSealedBackup);
    return isSealedBackup(text) ? openSealedBackup(text, passphraseFor(file), file) : text;
}

/// Another program's file is not lost to a slip of the hand.
void requireReplaceable(const std::string& file) {
    struct stat found{};
    if (::stat(file.c_str(), &found) != 0 && errno == ENOENT) {
        return;
    }
    std::string start(Backup::kFirstLine.size(), '\0');
    const Descriptor open(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!open && errno != ENOENT) {
        throwErrno("look at what is there already,", file);
    }
    const ssize_t got = open ? ::read(open.get(), start.data(), start.size()) : -1;
    start.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    if (!S_ISREG(found.st_mode) || start != Backup::kFirstLine) {
        throw Refusal(EX_CANTCREAT, file +
                                        " exists and is no plain backup; remove it, or choose "
                                        "another name");
    }
}

/// A backup that lacks something is better than none, but must not look like a whole one.
void requireWhole(const json& answer) {
    const json& unreadable = answer.at("unreadable");
    if (!unreadable.empty()) {
        throw Refusal(EX_DATAERR,
                      "the backup was written, but without " + std::to_string(unreadable.size()) +
                          " mailboxes whose records cannot be read, the first " +
                          unreadable.front().get<std::string>() + "; see `postern check`");
    }
}

int exportBackup(const Config& config, const BackupArguments& arguments) {
    const bool toFile = arguments.file != kStandard;
    if (toFile) {
        requireReplaceable(arguments.file);
    } else {
        requireOutput();
    }
    std::optional<crypto::Password> passphrase;
    if (arguments.passphrase) {
        passphrase = newPassphrase();
    }
    json answer;
    {
        const AsOwnerOf owner(config.data);
        answer = carryOut(config,
                          {{"operation", "backup.export"}, {"with_admins", arguments.withAdmins}});
    }
    std::string text = answer.at("text").get<std::string>();
    if (passphrase) {
        text = sealBackup(text, *passphrase);
    }
    if (!toFile) {
        print(text);
        requireWhole(answer);
        return EX_OK;
    }
    writeDurably(arguments.file, text);
    print("The records of " + numberOf(answer, "mailboxes") + " mailboxes are in " +
          arguments.file + (passphrase ? ", sealed" : "") +
          ".\nThey open no message; keep the passwords as well.\n");
    requireWhole(answer);
    return EX_OK;
}

/// The mailboxes that change, each with its sentences.
std::string describeChanges(const json& changes) {
    std::string text;
    for (const json& change : changes) {
        const std::string name = !change.at("new") && change.at("name").is_string()
                                     ? " \"" + textOf(change, "name") + '"'
                                     : std::string();
        text += "  " + textOf(change, "address") + name + '\n';
        for (const json& sentence : change.at("changes")) {
            text += "    - " + printable(sentence.get<std::string>(), kWide) + '\n';
        }
    }
    return text;
}

std::string describeNodes(const json& nodes, const std::string& what) {
    std::string text;
    for (const json& node : nodes) {
        text += what + ": node " + printable(node.get<std::string>(), kWide) + '\n';
    }
    return text;
}

std::string describe(const json& answer, bool dryRun, bool withAdmins) {
    std::string text = "A backup of " + textOf(answer, "hostname") + " (" +
                       textOf(answer, "domain") + ") of " + textOf(answer, "at") + " with " +
                       numberOf(answer, "mailboxes") + " mailboxes.\n";
    for (const json& admin : answer.at("admins")) {
        text += (dryRun ? "Would be added: " : "Added: ") +
                printable(admin.get<std::string>(), kWide) + '\n';
    }
    if (answer.at("holds_admins").get<bool>() && !withAdmins) {
        text += "Its web accounts and tokens are left out; --with-admins brings them, too.\n";
    }
    const json& changes = answer.at("changes");
    if (changes.empty()) {
        return text + "No record in it is new here: nothing " +
               (dryRun ? "would change.\n" : "was changed.\n");
    }
    const bool any = std::any_of(changes.begin(), changes.end(),
                                 [](const json& change) { return change.at("added") != 0; });
    text += !any     ? "Nothing of it counts here:\n"
            : dryRun ? "This would change:\n"
                     : "This was changed:\n";
    return text + describeChanges(changes) +
           describeNodes(answer.at("trusted"),
                         dryRun ? "Would be trusted from now on" : "Is trusted from now on") +
           describeNodes(answer.at("distrusted"), "Not trusted, its statements are held back");
}

int importBackup(const Config& config, const BackupArguments& arguments) {
    // Read as whoever calls, who may read what the server may not.
    std::string text = readBackup(arguments.file);
    std::string why;
    if (!Backup::fromToml(text, why)) {
        // Said here: a file that is something else is not for the server to see.
        throw Refusal(EX_DATAERR, "the backup cannot be used, and nothing was changed: " + why);
    }
    json request{{"operation", "backup.import"},
                 {"text", std::move(text)},
                 {"dry_run", arguments.dryRun},
                 {"trust", arguments.trust},
                 {"domain_differs", arguments.domainDiffers},
                 {"with_admins", arguments.withAdmins}};
    becomeOwnerOf(config.data);
    json answer = carryOut(config, std::move(request));
    answer.erase("ok");
    print(arguments.json ? oneLineOf(answer)
                         : describe(answer, arguments.dryRun, arguments.withAdmins));
    if (!answer.at("distrusted").empty() && !arguments.dryRun) {
        throw Refusal(EX_NOPERM,
                      arguments.trust
                          ? "some of it was held back: a node in it is known here by another key. "
                            "Find out which of the two is real"
                          : "some of it was held back, because this node does not trust the node "
                            "that signed it. Where you know that the backup is yours, import it "
                            "once more with --trust");
    }
    return EX_OK;
}

/// `act` as whoever calls.
std::function<int(const Config&)> asCaller(int (*act)(const Config&, const BackupArguments&),
                                           const std::shared_ptr<BackupArguments>& typed) {
    return [act, typed](const Config& config) {
        beginCommand();
        return act(config, *typed);
    };
}

}  // namespace

void addBackupCommands(CLI::App& app, CommandLine& line) {
    CLI::App* backup = app.add_subcommand(
        "backup", "The records of all mailboxes as one file: no message, nothing that opens one");
    backup->require_subcommand(1);
    const auto typed = std::make_shared<BackupArguments>();
    CLI::App* save =
        addCommand(*backup, line, "export", "Write a backup", asCaller(exportBackup, typed));
    save->add_option("FILE", typed->file, "Where to; `-` or nothing: standard output")
        ->type_name("FILE|-");
    save->add_flag("--passphrase", typed->passphrase,
                   "Seal it as an age file under a passphrase, which is asked for");
    CLI::App* load =
        addCommand(*backup, line, "import", "Unite this node's records with those of a backup",
                   asCaller(importBackup, typed));
    load->footer(
        "An old backup takes nothing back: the newest of what this node and the backup say "
        "counts.\nThe passphrase of a sealed one is asked for; with `-` it is read from "
        "POSTERN_PASSWORD.");
    load->add_option("FILE", typed->file, "The backup; `-`: standard input")
        ->type_name("FILE|-")
        ->required();
    load->add_flag("--dry-run", typed->dryRun, "Only say what would change");
    load->add_flag("--trust", typed->trust,
                   "Trust the nodes that made its statements, now and later");
    load->add_flag("--domain-differs", typed->domainDiffers,
                   "Import it though it is of another mail domain");
    load->add_flag("--json", typed->json, "Print one line of JSON");
    for (CLI::App* command : {save, load}) {
        command->add_flag("--with-admins", typed->withAdmins,
                          "Web accounts and API tokens, too: what recognises them");
    }
}

}  // namespace gateway
