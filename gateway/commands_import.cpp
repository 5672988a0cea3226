#include "gateway/commands_import.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <system_error>
#include <unistd.h>

#include "crypto/secret.h"
#include "gateway/answer.h"
#include "gateway/answer_text.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/message_import.h"
#include "gateway/output.h"
#include "gateway/privileges.h"
#include "gateway/progress.h"
#include "gateway/request.h"

namespace gateway {

namespace {

using nlohmann::json;

struct ImportArguments {
    std::string address;
    std::vector<std::string> files;
    bool json = false;
};

struct Letter {
    Letter(std::string typed, Descriptor opened)
        : name(std::move(typed)), file(std::move(opened)) {}
    std::string name;
    Descriptor file;
};

/// Each file is opened once, before any is imported, and stays so.
void allowManyFiles() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/// Standard input, kept in memory: no plaintext goes to a disk. Ends a little beyond `most` octets,
/// where it is too large anyhow.
Descriptor readInput(std::uint64_t most) {
    Descriptor kept(check(::memfd_create("message", MFD_CLOEXEC), "keep", "standard input"));
    std::array<char, 65536> buffer{};
    std::uint64_t size = 0;
    while (size <= most) {
        const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (check(got, "read", "standard input") == 0) {
            break;
        }
        std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
        while (!rest.empty()) {
            const ssize_t wrote =
                check(::write(kept.get(), rest.data(), rest.size()), "keep", "standard input");
            rest.remove_prefix(static_cast<std::size_t>(wrote));
        }
        size += static_cast<std::uint64_t>(got);
    }
    crypto::wipe(std::span<char>(buffer));
    return kept;
}

/// Opens one file and looks at it; nothing, and a complaint, where it is no message.
std::optional<Letter> openLetter(const std::string& name, std::uint64_t most, int& exit) {
    Descriptor file = name == "-"
                          ? readInput(most)
                          : Descriptor(::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!file) {
        exit = EX_NOINPUT;
        complain(printable(name) +
                 ": it cannot be opened: " + std::generic_category().message(errno));
        return std::nullopt;
    }
    if (const auto why = whyNoMessage(file, most)) {
        exit = exit == EX_OK ? EX_DATAERR : exit;
        complain(printable(name) + ": " + *why);
        return std::nullopt;
    }
    return std::make_optional<Letter>(name, std::move(file));
}

/// All of them, opened with the rights of whoever typed their names. Throws Refusal where one is
/// no message.
std::vector<Letter> openAll(const ImportArguments& arguments, std::uint64_t most) {
    allowManyFiles();
    int exit = EX_OK;
    std::vector<Letter> letters;
    for (const std::string& name : arguments.files) {
        if (auto letter = openLetter(name, most, exit)) {
            letters.push_back(std::move(*letter));
        }
    }
    if (exit != EX_OK) {
        const std::size_t bad = arguments.files.size() - letters.size();
        throw Refusal(exit, std::to_string(bad) + " of " + std::to_string(arguments.files.size()) +
                                " files cannot be imported; nothing was. Mend that, or leave them "
                                "out");
    }
    return letters;
}

std::string rowOf(const Letter& letter, const json& answer, bool asJson, bool first) {
    if (!asJson) {
        return textOf(answer, "uidl") + "  " + printable(letter.name, 4096) + '\n';
    }
    const std::string object = oneLineOf(
        {{"file", letter.name}, {"uidl", answer.at("uidl")}, {"octets", answer.at("octets")}});
    return (first ? "[" : ",") + object.substr(0, object.size() - 1);
}

int importFiles(const Config& config, const ImportArguments& arguments) {
    const std::vector<Letter> letters = openAll(arguments, config.smtp.maxMessageSize);
    becomeOwnerOf(config.data);
    Carrier carrier(config);
    Progress progress;
    std::size_t done = 0;
    json answer;
    for (const Letter& letter : letters) {
        progress.show(std::to_string(done) + " of " + std::to_string(letters.size()) +
                      " messages imported");
        answer = answerOf([&] {
            return carrier.carryOut(
                {{"operation", "message.import"}, {"address", arguments.address}}, letter.file);
        });
        progress.clear();
        if (!answer.value("ok", false)) {
            break;
        }
        print(rowOf(letter, answer, arguments.json, done == 0));
        ++done;
    }
    if (arguments.json) {
        print(done == 0 ? "[]\n" : "]\n");
    }
    if (done < letters.size()) {
        const std::string far = done == 0 ? "nothing was imported"
                                          : std::to_string(done) + " of " +
                                                std::to_string(letters.size()) +
                                                " messages were imported, those named above; go "
                                                "on with this one";
        throw Refusal(answer.value("exit", EX_SOFTWARE),
                      printable(letters.at(done).name) + ": " +
                          answer.value("error", "no reason given") + "; " + far);
    }
    return EX_OK;
}

}  // namespace

void addImportCommand(CLI::App& message, CommandLine& line) {
    const auto typed = std::make_shared<ImportArguments>();
    const auto action = [typed](const Config& config) {
        beginCommand();
        return importFiles(config, *typed);
    };
    CLI::App* import =
        addCommand(message, line, "import",
                   "Seal messages from files into a mailbox, and print their UIDLs", action);
    import->footer(
        "Each file is one message as mail systems send it (.eml); nothing is added to it. All are "
        "looked\nat before the first is imported. No password is needed.");
    addAddress(*import, typed->address);
    import->add_option("FILE", typed->files, "Files with a message each; - is standard input")
        ->required();
    import->add_flag("--json", typed->json, "Print one line of JSON");
}

}  // namespace gateway
