// Operations on a real keeper and a real store in a temporary folder.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/operations.h"
#include "gateway/store/deposit.h"
#include "gateway/store/directory_store.h"
#include "tests/base/temporary_folder.h"

namespace operations_test {

using namespace gateway;

inline constexpr const char* kAddress = "mbx-0123456789abcdef0123456789abcdef";

inline Node newNode(const Layout& layout) {
    for (const auto& directory : {layout.records(), layout.mailboxes(), layout.knownRecords()}) {
        makeDurableDirectory(directory);
    }
    std::string notice;
    return Node::loadOrMake(layout, "msgw1.test", notice);
}

struct House {
    using json = nlohmann::json;

    House() : keeper(layout, newNode(layout)), store(layout), operations(config, keeper, store) {
        keeper.load();
    }
    json ask(const std::string& operation, json request = json::object()) {
        request["operation"] = operation;
        return operations.perform(std::move(request));
    }
    /// The exit code of a refusal; its sentence must hold `text`.
    int refused(const std::string& operation, const json& request, const std::string& text) {
        const json answer = ask(operation, request);
        CHECK(answer.at("ok") == false);
        const std::string error = answer.value("error", "");
        CHECK_MESSAGE(error.find(text) != std::string::npos, error);
        return answer.value("exit", -1);
    }
    MessageId deliver(const std::string& address, std::size_t octets,
                      std::chrono::hours later = std::chrono::hours(0)) {
        const auto mailbox = keeper.current()->find(*MailboxId::parse(address));
        std::vector<Deposit::Copy> copies;
        copies.emplace_back(Drop(mailbox->id, mailbox->current()->recipient), "");
        Deposit deposit(store, MessageId::generate(std::chrono::system_clock::now() + later),
                        std::move(copies));
        deposit.append(octetsOf(std::string(octets, 'x')));
        deposit.commit();
        return deposit.id();
    }

    shim::TemporaryFolder folder;
    Layout layout{folder.path()};
    Config config = parseConfig(
        "domain = \"msgw.test\"\nhostname = \"msgw1.test\"\ndata = \".\"\n[smtp]\n"
        "listen = [\"127.0.0.1:2525\", \"[::1]:25\"]\n[pop3]\nlisten = []",
        folder / "postern.toml");
    RegistryKeeper keeper;
    DirectoryStore store;
    Operations operations;
};

}  // namespace operations_test
