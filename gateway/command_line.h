// What all commands have in common: the options each of them has, and what runs when it was typed.
// Never runs anything itself; that is commands.h.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "gateway/config.h"

namespace gateway {

/// What was typed, and what it asks for.
struct CommandLine {
    std::string configFile = "/etc/postern/postern.toml";
    std::function<int(const Config&)> action;
    /// Says what went wrong, and gives the exit code.
    std::function<int(int exitCode, const std::string& text)> complain;
    std::function<int()> actionWithoutConfig;  ///< instead of `action`, where it is set
};

/// A command below `parent`, with --config. `action` runs after everything was parsed; it returns
/// an exit code, or throws Refusal or Error.
CLI::App* addCommand(CLI::App& parent, CommandLine& line, const std::string& name,
                     const std::string& description, std::function<int(const Config&)> action);

/// What each command that looks at data begins with: it logs only what matters, and its memory is
/// nobody else's to see.
void beginCommand();

/// `action` as the owner of the data directory.
std::function<int(const Config&)> asOwner(std::function<int(const Config&)> action);

/// `act` with what was typed for it, as the owner of the data directory.
template <typename Arguments>
std::function<int(const Config&)> asOwner(int (*act)(const Config&, const Arguments&),
                                          const std::shared_ptr<Arguments>& typed) {
    return asOwner([act, typed](const Config& config) { return act(config, *typed); });
}

/// What each command on one mailbox begins with.
CLI::Option* addAddress(CLI::App& command, std::string& address);

}  // namespace gateway
