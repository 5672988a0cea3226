#include "gateway/commands_password.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "crypto/secret.h"
#include "crypto/secret_fields.h"
#include "gateway/answer_text.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/output.h"
#include "gateway/password_prompt.h"
#include "gateway/request.h"

namespace gateway {

namespace {

using nlohmann::json;

struct PasswordArguments {
    std::string address;
    bool reset = false;
    bool unlockEarlier = false;
    bool recover = false;
    bool json = false;
};

/// The identity out of what age-keygen wrote: comment lines before it are passed over.
crypto::Password readIdentity() {
    for (;;) {
        crypto::Password line = readPassword("Recovery identity (AGE-SECRET-KEY-1…): ");
        const std::string_view text = trimmed(line.view());
        if (!text.empty() && !text.starts_with('#')) {
            return line;
        }
    }
}

/// Asks for what the request needs, in the fixed order of SPEC section 1.
json requestOf(const PasswordArguments& arguments) {
    json request{{"address", arguments.address}};
    const auto ask = [&](const char* name, const std::string& which) {
        request[name] = readPassword(which + " of " + arguments.address + ": ").view();
    };
    if (arguments.reset) {
        request["operation"] = "mailbox.reset_password";
    } else if (arguments.recover) {
        request["operation"] = "mailbox.recover";
        request["identity"] = readIdentity().view();
    } else if (arguments.unlockEarlier) {
        request["operation"] = "mailbox.unlock_earlier";
        ask("earlier_password", "Earlier password");
        ask("password", "Present password");
    } else {
        request["operation"] = "mailbox.change_password";
        ask("password", "Present password");
    }
    return request;
}

/// Adds what waits and what is locked now. What was done stands, whether or not that can be told.
void addCounts(const Config& config, json& answer) {
    try {
        const json shown =
            carryOut(config, {{"operation", "mailbox.show"}, {"address", answer.at("address")}});
        for (const char* name : {"waiting", "locked"}) {
            answer[name] = shown.at("mailbox").at(name);
        }
    } catch (const Refusal&) {
        answer["waiting"] = nullptr;
    } catch (const Error&) {
        answer["waiting"] = nullptr;
    }
}

std::string describeCounts(const json& answer) {
    if (!answer.contains("locked")) {
        return "`postern mailbox show` tells what waits and what is locked.\n";
    }
    std::string text =
        "It opens " + numberOf(answer.at("waiting"), "messages") + " messages that wait";
    const auto locked = answer.at("locked").get<std::uint64_t>();
    if (locked == 0) {
        return text + "; none is locked.\n";
    }
    const std::string again = "postern mailbox password " + textOf(answer, "address");
    return text + "; " + std::to_string(locked) +
           " are locked: they were sealed under\nan earlier password. If it turns up: `" + again +
           " --unlock-earlier`;\nwith the recovery key: `" + again + " --recover`.\n";
}

std::string describe(const json& answer) {
    const std::string name = '"' + textOf(answer, "name") + '"';
    if (!answer.contains("password")) {
        return "The present password of " + name + " opens " + numberOf(answer, "keys_chained") +
               " more keys from now on.\n" + describeCounts(answer);
    }
    std::string text = "The mailbox " + name + " has a new password.\n\n";
    text += "  Address   " + textOf(answer, "email") + '\n';
    text += "  Host      " + textOf(answer, "host") + '\n';
    text += "  Ports     " + describePorts(answer.at("ports")) + '\n';
    text += "  Login     " + textOf(answer, "address") + '\n';
    text += "  Password  " + answer.at("password").get_ref<const std::string&>() +
            "\n\nIt is shown only this once and kept nowhere: store it, and enter it in the "
            "archiver now,\nwhere the one before opens nothing any more.\n";
    return text + describeCounts(answer);
}

/// The new password is in force, and nobody saw it.
[[noreturn]] void throwUnseen(const Error& error, const json& answer) {
    const std::string again = "`postern mailbox password " + textOf(answer, "address");
    throw Error(error.kind(), std::string(error.what()) +
                                  "; the mailbox has a new password, but it could not be shown and "
                                  "is lost: run " +
                                  again + " --reset` now, then " + again +
                                  " --unlock-earlier` with the password that was valid before");
}

int mailboxPassword(const Config& config, const PasswordArguments& arguments) {
    if (!arguments.unlockEarlier) {
        requireOutput();
    }
    json answer = carryOut(config, requestOf(arguments));
    answer.erase("ok");
    addCounts(config, answer);
    std::string text = arguments.json ? oneLineOf(answer) : describe(answer);
    const bool holdsPassword = answer.contains("password");
    crypto::wipeSecrets(answer);
    try {
        print(text);
    } catch (const Error& error) {
        crypto::wipe(std::span<char>(text));
        if (holdsPassword) {
            throwUnseen(error, answer);
        }
        throw;
    }
    crypto::wipe(std::span<char>(text));
    return EX_OK;
}

}  // namespace

void addPasswordCommand(CLI::App& mailbox, CommandLine& line) {
    const auto typed = std::make_shared<PasswordArguments>();
    CLI::App* password =
        addCommand(mailbox, line, "password", "Give a mailbox a new password, and print it, once",
                   asOwner(mailboxPassword, typed));
    password->footer(
        "Asks for the present password; the new one then opens all that waits. What it needs is "
        "read at\nthe terminal, or from standard input, a line each.");
    addAddress(*password, typed->address);
    password->add_flag("--json", typed->json, "Print one line of JSON");
    CLI::Option* reset = password->add_flag(
        "--reset", typed->reset,
        "The present one is lost: what waits is locked until an earlier one turns up");
    CLI::Option* unlock =
        password->add_flag("--unlock-earlier", typed->unlockEarlier,
                           "Let the present one open what an earlier one opens; asks for the "
                           "earlier, then the present one");
    CLI::Option* recover =
        password->add_flag("--recover", typed->recover,
                           "Asks for the identity of the recovery key instead of a password");
    reset->excludes(unlock)->excludes(recover);
    unlock->excludes(recover);
}

}  // namespace gateway
