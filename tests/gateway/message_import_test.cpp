// Messages that an admin puts in: what is taken, what is stored, and that it is whole or not there.
#include "gateway/message_import.h"

#include <cerrno>
#include <fcntl.h>
#include <fstream>

#include "gateway/base/error.h"
#include "pop3/unlocked_mailbox.h"
#include "tests/base/crash.h"
#include "tests/gateway/operations_fixture.h"

namespace {

using namespace operations_test;

constexpr std::uint64_t kMost = 1U << 20U;
constexpr const char* kPassword = "a password that is long enough";

struct ImportHouse : House {
    ImportHouse() {
        ask("mailbox.create", {{"name", "a"}, {"address", kAddress}, {"password", kPassword}});
        config.data = layout.data();
        config.smtp.maxMessageSize = kMost;
        config.store.minFree = 0;
    }

    Descriptor file(const std::string& text) const {
        std::ofstream(folder / "letter.eml", std::ios::binary) << text;
        return Descriptor(::open((folder / "letter.eml").c_str(), O_RDONLY | O_CLOEXEC));
    }

    json import(const std::string& text, const std::string& address = kAddress) {
        return importMessage(config, keeper, store, nullptr, {{"address", address}}, file(text));
    }

    /// What an archiver would get.
    std::string opened(const std::string& uidl, const char* password = kPassword) {
        const auto mailbox = keeper.current()->find(*MailboxId::parse(kAddress));
        const auto unlocked = pop3::UnlockedMailbox::open(*mailbox, crypto::Password(password));
        std::vector<LeftOut> leftOut;
        for (const auto& stored : unlocked->list(store, leftOut)) {
            if (stored.message.id.str() == uidl) {
                pop3::MessageReader reader(store, unlocked->drop(stored), stored.message.id,
                                           unlocked->key(stored));
                std::string text;
                while (reader.next(text)) {
                }
                return text;
            }
        }
        return "not there";
    }

    std::size_t waiting() {
        return ask("mailbox.show", {{"address", kAddress}})
            .at("mailbox")
            .at("waiting")
            .at("messages")
            .get<std::size_t>();
    }

    /// Files below the messages' folder, temporary ones included.
    std::size_t files() const {
        std::size_t found = 0;
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator(layout.mailboxes())) {
            found += entry.is_regular_file() ? 1U : 0U;
        }
        return found;
    }
};

void checkRefused(ImportHouse& house, const std::string& text, const std::string& part,
                  const std::string& address = kAddress) {
    try {
        house.import(text, address);
        FAIL("imported ", text.substr(0, 40));
    } catch (const Refusal& refusal) {
        CHECK_MESSAGE(refusal.text.find(part) != std::string::npos, refusal.text);
    }
    CHECK(house.files() == 0);
}

}  // namespace

TEST_CASE("a message is stored as SMTP in would store it, with nothing added") {
    ImportHouse house;
    const std::string body = std::string("nul\0, bare\rCR, .dot\r\n..\r\n.\r\n", 28);
    const std::vector<std::pair<std::string, std::string>> cases{
        {"Subject: a\r\n\r\n" + body, "Subject: a\r\n\r\n" + body},
        {"Subject: a\n\nunix\n.\n\nend", "Subject: a\r\n\r\nunix\r\n.\r\n\r\nend\r\n"},
        {"Subject : old\r\n", "Subject : old\r\n"},
        {"X:" + std::string(kMost - 2, 'y'), "X:" + std::string(kMost - 2, 'y') + "\r\n"}};
    for (const auto& [text, stored] : cases) {
        const auto answer = house.import(text);
        CHECK(house.opened(answer.at("uidl").get<std::string>()) == stored);
        CHECK(answer.at("octets") == stored.size());
    }
    CHECK(house.waiting() == cases.size());
}

TEST_CASE("what is no message is refused, and nothing is left of it") {
    ImportHouse house;
    checkRefused(house, "", "empty");
    checkRefused(house, "From alice Thu Nov 19 08:14:07 2026\nSubject: a\n\n", "mbox");
    checkRefused(house, "\xEF\xBB\xBFSubject: a\n\n", "header field");
    checkRefused(house, "\r\nSubject: a\r\n", "header field");
    checkRefused(house, ": a\r\n", "header field");
    checkRefused(house, "Dear Alice,\nhow are you: well?\n", "header field");
    checkRefused(house, "Subject: " + std::string(kMost, 'x'), "smtp.max_message_size");
    checkRefused(house, "Subject: a\n\n", "no mailbox", "mbx-ffffffffffffffffffffffffffffffff");
    house.config.store.minFree = UINT64_MAX;
    checkRefused(house, "Subject: a\n\n", "store.min_free");
    house.config.store.minFree = 0;
    house.ask("mailbox.delete", {{"address", kAddress}});
    checkRefused(house, "Subject: a\n\n", "mailbox activate");
}

TEST_CASE("only plain files are read") {
    const shim::TemporaryFolder folder;
    const Descriptor directory(::open(folder.path().c_str(), O_RDONLY | O_CLOEXEC));
    CHECK(whyNoMessage(directory, kMost)->find("no plain file") != std::string::npos);
    const Descriptor device(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    CHECK(whyNoMessage(device, kMost)->find("no plain file") != std::string::npos);
}

TEST_CASE("a password reset between sealing and storing: nothing is stored under the old key") {
    ImportHouse house;
    MessageImport import(house.config, house.store, nullptr, {{"address", kAddress}},
                         house.file("Subject: a\n\n"));
    import.seal(*house.keeper.current());
    const auto reset = house.ask("mailbox.reset_password", {{"address", kAddress}});
    CHECK_FALSE(import.commit(*house.keeper.current()));
    CHECK(house.files() == 0);
    import.seal(*house.keeper.current());
    const auto answer = import.commit(*house.keeper.current());
    REQUIRE(answer);
    const auto password = reset.at("password").get<std::string>();
    CHECK(house.opened(answer->at("uidl").get<std::string>(), password.c_str()) ==
          "Subject: a\r\n\r\n");
}

TEST_CASE("a password changed between sealing and storing opens what is stored") {
    ImportHouse house;
    MessageImport import(house.config, house.store, nullptr, {{"address", kAddress}},
                         house.file("Subject: a\n\n"));
    import.seal(*house.keeper.current());
    const auto changed =
        house.ask("mailbox.change_password", {{"address", kAddress}, {"password", kPassword}});
    const auto answer = import.commit(*house.keeper.current());
    REQUIRE(answer);
    const auto password = changed.at("password").get<std::string>();
    CHECK(house.opened(answer->at("uidl").get<std::string>(), password.c_str()) ==
          "Subject: a\r\n\r\n");
}

TEST_CASE("whichever call of an import fails, nothing of it is there, and the next succeeds") {
    bool failed = true;
    unsigned calls = 0;
    for (unsigned n = 1; failed; ++n) {
        REQUIRE(n < 60);
        CAPTURE(n);
        ImportHouse house;
        Descriptor file = house.file("Subject: a\n\n");
        {
            const shim::Watch watch(shim::failNth(n, EIO));
            try {
                importMessage(house.config, house.keeper, house.store, nullptr,
                              {{"address", kAddress}}, std::move(file));
                failed = false;
            } catch (const Error&) {
            }
        }
        CHECK(house.files() == (failed ? 0 : 1));
        CHECK(house.waiting() == (failed ? 0 : 1));
        house.import("Subject: b\n\n");
        CHECK(house.waiting() == (failed ? 1 : 2));
        calls = n;
    }
    CHECK(calls > 8);
}

TEST_CASE("whichever call a process dies at, the message is there whole or not at all") {
    bool died = true;
    for (unsigned n = 1; died; ++n) {
        REQUIRE(n < 60);
        CAPTURE(n);
        ImportHouse house;
        died = shim::diesAtNth(n, [&] { house.import("Subject: a\n\n"); });
        house.store.sweep();
        const auto messages = house.waiting();
        CHECK(house.files() == messages);
        CHECK(messages <= 1);
        CHECK((died || messages == 1));
        const auto answer = house.import("Subject: b\n\n");
        CHECK(house.opened(answer.at("uidl").get<std::string>()) == "Subject: b\r\n\r\n");
    }
}
