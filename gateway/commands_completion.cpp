#include "gateway/commands_completion.h"

#include <memory>
#include <string>
#include <vector>

#include "gateway/exit_code.h"
#include "gateway/output.h"

namespace gateway {

namespace {

std::vector<const CLI::App*> commandsOf(const CLI::App& app) {
    return app.get_subcommands(
        [](const CLI::App* command) { return !command->get_name().empty(); });
}

std::vector<const CLI::Option*> optionsOf(const CLI::App& app) {
    return app.get_options([](const CLI::Option*) { return true; });
}

/// "-h", "--help".
std::vector<std::string> spellings(const CLI::Option& option) {
    std::vector<std::string> all;
    for (const std::string& name : option.get_snames()) {
        all.push_back('-' + name);
    }
    for (const std::string& name : option.get_lnames()) {
        all.push_back("--" + name);
    }
    return all;
}

bool takesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

bool takesFile(const CLI::Option& option) {
    const std::string name = option.get_positional() ? option.get_name(true) : "";
    return (option.get_type_name() + name).find("FILE") != std::string::npos;
}

/// What CLI::IsMember wrote into the type: "TEXT:{yes,no}" gives "yes no".
std::string choicesOf(const CLI::Option& option) {
    const std::string type = option.get_type_name();
    const std::size_t open = type.find('{');
    const std::size_t close = type.find('}', open == std::string::npos ? 0 : open);
    if (open == std::string::npos || close == std::string::npos) {
        return "";
    }
    std::string choices = type.substr(open + 1, close - open - 1);
    for (char& c : choices) {
        c = c == ',' ? ' ' : c;
    }
    return choices;
}

std::string firstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

void replaceAll(std::string& text, const std::string& what, const std::string& by) {
    for (std::size_t at = text.find(what); at != std::string::npos;
         at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
}

// ---- bash

constexpr const char* kBashHead =
    R"(# Completion of postern for bash; made by `postern completion bash`.
_postern() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local command=postern words='' options='' files='' i
    # bash takes --option=value apart.
    if [[ $current == = ]]; then
        current=''
    elif [[ $previous == = && $COMP_CWORD -gt 2 ]]; then
        previous=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for (( i = 1; i < COMP_CWORD; i++ )); do
        case "$command ${COMP_WORDS[i]}" in
            )";

/// How the shell's pattern for one value of an option is written, and what it answers with.
std::string bashValue(const std::string& path, const CLI::Option& option) {
    std::string patterns;
    for (const std::string& name : spellings(option)) {
        patterns += (patterns.empty() ? "'" : " | '") + path + ' ' + name + '\'';
    }
    const std::string choices = choicesOf(option);
    const std::string answer = !choices.empty()    ? "words='" + choices + "'"
                               : takesFile(option) ? "files=yes"
                                                   : ":";
    return "        " + patterns + ") " + answer + " ;;\n";
}

void addWord(std::string& words, const std::string& word) {
    words += words.empty() || word.empty() ? word : ' ' + word;
}

/// The line of one command: what fits behind it, and its options.
std::string bashWords(const std::string& path, const CLI::App& app) {
    std::string words;
    std::string options;
    bool files = false;
    for (const CLI::App* command : commandsOf(app)) {
        addWord(words, command->get_name());
    }
    for (const CLI::Option* option : optionsOf(app)) {
        for (const std::string& name : spellings(*option)) {
            addWord(options, name);
        }
        if (option->get_positional()) {
            addWord(words, choicesOf(*option));
            files = files || takesFile(*option);
        }
    }
    return "            '" + path + "') words='" + words + "' options='" + options + "'" +
           (files ? " files=yes" : "") + " ;;\n";
}

/// Of all commands: the patterns that name them, what follows an option, what follows a command.
struct BashTables {
    std::string commands;
    std::string values;
    std::string words;

    void add(const CLI::App& app, const std::string& path) {
        words += bashWords(path, app);
        for (const CLI::Option* option : optionsOf(app)) {
            if (!option->get_positional() && takesValue(*option)) {
                values += bashValue(path, *option);
            }
        }
        for (const CLI::App* command : commandsOf(app)) {
            const std::string below = path + ' ' + command->get_name();
            commands += (commands.empty() ? "'" : " | '") + below + '\'';
            add(*command, below);
        }
    }
};

std::string bashScript(const CLI::App& app) {
    BashTables tables;
    tables.add(app, app.get_name());
    return kBashHead + tables.commands +
           ") command+=\" ${COMP_WORDS[i]}\" ;;\n"
           "        esac\n"
           "    done\n"
           "    case \"$command $previous\" in\n" +
           tables.values + "        *) case $command in\n" + tables.words +
           "        esac ;;\n"
           "    esac\n"
           "    # Options only where nothing else fits, or once a - is typed.\n"
           "    [[ $current != -* && $words$files ]] || words+=\" $options\"\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
           "    if [[ $files && $current != -* ]]; then\n"
           "        compopt -o filenames 2>/dev/null\n"
           "        mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- \"$current\")\n"
           "    fi\n"
           "}\n"
           "complete -F _postern postern\n";
}

// ---- zsh

/// Inside single quotes, where _arguments gives brackets and colons a meaning.
std::string zshText(std::string text, const char* special) {
    for (const char* c = special; *c != '\0'; ++c) {
        replaceAll(text, std::string(1, *c), std::string("\\") + *c);
    }
    replaceAll(text, "'", "'\\''");
    return text;
}

std::string zshValue(const CLI::Option& option, const std::string& name) {
    const std::string choices = choicesOf(option);
    const std::string answer = !choices.empty()    ? '(' + choices + ')'
                               : takesFile(option) ? "_files"
                                                   : " ";
    return ':' + zshText(name, ":") + ':' + answer;
}

std::string zshOption(const CLI::Option& option) {
    const std::string about = '[' + zshText(firstLine(option.get_description()), "[]") + ']';
    const std::vector<std::string> names = spellings(option);
    std::string lines;
    for (const std::string& name : names) {
        lines += " \\\n        '" + name;
        lines += takesValue(option) && name.starts_with("--") ? "=" : "";
        lines += about;
        lines += takesValue(option) ? zshValue(option, option.get_type_name().substr(
                                                           0, option.get_type_name().find(':')))
                                    : "";
        lines += '\'';
    }
    return lines;
}

std::string zshPositional(const CLI::Option& option) {
    const bool many = option.get_items_expected_max() > 1;
    return std::string(" \\\n        '") + (many ? "*" : "") +
           zshValue(option, option.get_name(true)) + '\'';
}

/// A function for a command, and one for each below it.
std::string zshFunction(const CLI::App& app, const std::string& name) {
    std::string words, cases, below;
    for (const CLI::App* command : commandsOf(app)) {
        const std::string& word = command->get_name();
        words +=
            "        '" + word + ':' + zshText(firstLine(command->get_description()), ":") + "'\n";
        std::string callee = name;
        callee += '_' + word;
        cases += "            " + word + ") " + callee + " ;;\n";
        below += zshFunction(*command, callee);
    }
    std::string arguments;
    for (const CLI::Option* option : optionsOf(app)) {
        arguments += option->get_positional() ? zshPositional(*option) : zshOption(*option);
    }
    std::string script = name + "() {\n";
    if (words.empty()) {
        return script + "    _arguments" + arguments + "\n}\n" + below;
    }
    return script +
           "    local curcontext=$curcontext state line\n"
           "    local -a commands=(\n" +
           words + "    )\n    _arguments -C" + arguments +
           " \\\n        ': :->command' '*:: :->rest'\n"
           "    case $state in\n"
           "        command) _describe command commands ;;\n"
           "        rest) case $words[1] in\n" +
           cases + "        esac ;;\n    esac\n}\n" + below;
}

std::string zshScript(const CLI::App& app) {
    // The file is read anew at its first use as the function `_postern`; later the function is
    // there.
    return "#compdef postern\n# Completion of postern for zsh; made by `postern completion "
           "zsh`.\n" +
           zshFunction(app, "_postern") +
           "if [[ $funcstack[1] == _postern ]]; then\n    _postern \"$@\"\n"
           "else\n    compdef _postern postern\nfi\n";
}

}  // namespace

void addCompletionCommand(CLI::App& app, CommandLine& line) {
    CLI::App* command =
        app.add_subcommand("completion", "Print what completes postern's commands in a shell");
    command->footer(
        "The package installs both. By hand: `source <(postern completion bash)`, or for zsh\n"
        "`postern completion zsh > ~/.zfunc/_postern` with that folder in fpath.");
    const auto shell = std::make_shared<std::string>();
    command->add_option("SHELL", *shell, "bash or zsh")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh"}));
    command->callback([&app, &line, shell] {
        line.actionWithoutConfig = [&app, shell] {
            print(*shell == "bash" ? bashScript(app) : zshScript(app));
            return EX_OK;
        };
    });
}

}  // namespace gateway
