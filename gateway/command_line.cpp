#include "gateway/command_line.h"

#include "gateway/base/log.h"
#include "gateway/privileges.h"

namespace gateway {

CLI::App* addCommand(CLI::App& parent, CommandLine& line, const std::string& name,
                     const std::string& description, std::function<int(const Config&)> action) {
    CLI::App* command = parent.add_subcommand(name, description);
    command->add_option("--config", line.configFile, "The configuration file")
        ->capture_default_str()
        ->type_name("FILE");
    command->callback([&line, action = std::move(action)] { line.action = action; });
    return command;
}

void beginCommand() {
    log::configure(log::Level::Notice, log::Format::Text);  // less is for the server's log
    hideMemory();
}

std::function<int(const Config&)> asOwner(std::function<int(const Config&)> action) {
    return [action = std::move(action)](const Config& config) {
        beginCommand();
        becomeOwnerOf(config.data);
        return action(config);
    };
}

CLI::Option* addAddress(CLI::App& command, std::string& address) {
    return command.add_option("ADDRESS", address, "mbx-…, with or without the domain")->required();
}

}  // namespace gateway
