// A data directory with records for one test, and the clock it lives by.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "gateway/base/durable_file.h"
#include "gateway/mail/registry.h"
#include "tests/base/syscall_shim.h"
#include "tests/base/temporary_folder.h"

class RecordsFixture {
public:
    RecordsFixture() : layout(folder.path()) {}

    gateway::Node node(const std::string& name = "gw1.example.com") const {
        std::string notice;
        return gateway::Node::loadOrMake(layout, name, notice, folder / "machine-id");
    }

    /// A keeper as a newly started process has it.
    std::unique_ptr<gateway::RegistryKeeper> keeper(const std::string& name = "gw1.example.com") {
        return std::make_unique<gateway::RegistryKeeper>(layout, node(name),
                                                         [this] { return now; });
    }

    static gateway::RegistryKeeper::NewMailbox wanted(const std::string& name) {
        return {.address = std::nullopt,
                .name = name,
                .description = "of " + name,
                .password = crypto::Password("pass word"),
                .logN = 10};
    }

    /// The one record file of this node.
    std::filesystem::path configFile(const gateway::MailboxId& mailbox) const {
        return layout.recordFile(mailbox, node().id());
    }
    std::filesystem::path knownFile(const gateway::MailboxId& mailbox) const {
        return layout.knownRecordFile(mailbox, node().id());
    }

    static std::string read(const std::filesystem::path& path) {
        return gateway::readWhole(path, std::size_t{1} << 24U);
    }
    static void write(const std::filesystem::path& path, const std::string& text) {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    }

    static bool finds(const gateway::Registry& registry, const std::string& text) {
        return std::any_of(registry.findings().begin(), registry.findings().end(),
                           [&text](const gateway::Finding& finding) {
                               return (finding.path + ": " + finding.text).find(text) !=
                                      std::string::npos;
                           });
    }

    shim::TemporaryFolder folder;
    gateway::Layout layout;
    gateway::WallTime now = std::chrono::system_clock::now();
};
