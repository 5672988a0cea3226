// New passwords, and old ones that turn up again, as commands ask for them.
#include <doctest/doctest.h>

#include "crypto/sealed_text.h"
#include "tests/gateway/operations_fixture.h"

using namespace operations_test;
using nlohmann::json;

namespace {

const std::string kFirst = R"( päss "w\örd" )";  // blanks count

/// A mailbox taken over with kFirst, one message waiting.
struct PasswordHouse : House {
    PasswordHouse() {
        ask("mailbox.create", {{"name", "one"}, {"address", kAddress}, {"password", kFirst}});
        deliver(kAddress, 1);
    }
    json about(const json& more) const {
        json request{{"address", kAddress}};
        request.update(more.is_null() ? json::object() : more);
        return request;
    }
    /// The new password.
    std::string password(const std::string& operation, const json& more = json::object()) {
        const json answer = ask(operation, about(more));
        REQUIRE_MESSAGE(answer.at("ok") == true, answer.value("error", ""));
        CHECK(answer.at("email") == std::string(kAddress) + "@msgw.test");
        CHECK(answer.at("ports").contains("pop3s"));
        return answer.at("password");
    }
    int refusedOf(const std::string& operation, const json& more, const std::string& text) {
        const std::uint64_t before = mailbox().greatestCounter;
        const int code = refused(operation, about(more), text);
        CHECK(mailbox().greatestCounter == before);  // nothing was said
        return code;
    }
    Mailbox mailbox() const { return *keeper.current()->find(*MailboxId::parse(kAddress)); }
    std::size_t opened(const std::string& with) const {
        return openWithPassword(mailbox(), crypto::Password(with)).size();
    }
    /// Messages that the present password opens, and those that are locked.
    std::pair<int, int> counts() {
        const json shown = ask("mailbox.show", about({})).at("mailbox");
        return {shown.at("waiting").at("messages").get<int>(), shown.at("locked").get<int>()};
    }
};

std::string textOf(const crypto::OpenKey& key) { return std::string(key.text().text()); }

}  // namespace

TEST_CASE("a change: the new password opens what waits and what comes, the old one nothing") {
    PasswordHouse house;
    const std::string second = house.password("mailbox.change_password", {{"password", kFirst}});
    CHECK(house.opened(second) == 2);
    CHECK(house.opened(kFirst) == 0);
    house.deliver(kAddress, 1);
    CHECK(house.counts() == std::pair(2, 0));
    const std::string third = house.password("mailbox.change_password", {{"password", second}});
    CHECK(house.opened(third) == 3);
    CHECK(house.counts() == std::pair(2, 0));
    const json shown = house.ask("mailbox.show", {{"address", kAddress}}).at("mailbox");
    CHECK(shown.at("keys").size() == 3);
    CHECK(shown.dump().find("AGE ENCRYPTED") == std::string::npos);
}

TEST_CASE("a wrong present password says so, and changes nothing") {
    PasswordHouse house;
    for (const char* wrong : {"", "päss", " päss \"w\\örd\""}) {
        CHECK(house.refusedOf("mailbox.change_password", {{"password", wrong}},
                              "not the present password") == EX_NOPERM);
    }
    CHECK(house.refusedOf("mailbox.change_password", {}, "no present password") == EX_USAGE);
    CHECK(house.refusedOf("mailbox.change_password", {{"password", 1}}, "is not a text") ==
          EX_DATAERR);
    const std::string second = house.password("mailbox.change_password", {{"password", kFirst}});
    CHECK(house.refusedOf("mailbox.change_password", {{"password", kFirst}},
                          "not the present password") == EX_NOPERM);
    CHECK(house.opened(second) == 2);
    CHECK(house.refused("mailbox.reset_password",
                        {{"address", "mbx-ffffffffffffffffffffffffffffffff"}},
                        "there is no mailbox") == EX_DATAERR);
}

TEST_CASE("a reset locks what waits until an earlier password turns up") {
    PasswordHouse house;
    const std::string second = house.password("mailbox.reset_password");
    CHECK(house.counts() == std::pair(0, 1));
    house.deliver(kAddress, 1);
    const std::string third = house.password("mailbox.reset_password");
    CHECK(house.counts() == std::pair(0, 2));
    const auto unlock = [&](const std::string& earlier, const std::string& present) {
        return json{{"earlier_password", earlier}, {"password", present}};
    };
    CHECK(house.refusedOf("mailbox.unlock_earlier", unlock(kFirst, second),
                          "not the present password") == EX_NOPERM);
    CHECK(house.refusedOf("mailbox.unlock_earlier", unlock("never", third), "opens no key") ==
          EX_NOPERM);
    CHECK(house.refusedOf("mailbox.unlock_earlier", unlock(third, third), "opens no key") ==
          EX_NOPERM);
    CHECK(house.refusedOf("mailbox.unlock_earlier", {{"password", third}}, "no earlier password") ==
          EX_USAGE);
    const json answer = house.ask("mailbox.unlock_earlier", house.about(unlock(kFirst, third)));
    CHECK(answer.at("ok") == true);
    CHECK(answer.at("keys_chained") == 1);
    CHECK_FALSE(answer.contains("password"));
    CHECK(house.counts() == std::pair(1, 1));
    CHECK(house.ask("mailbox.unlock_earlier", house.about(unlock(second, third))).at("ok") == true);
    CHECK(house.counts() == std::pair(2, 0));
    CHECK(house.opened(third) == 3);
}

TEST_CASE("the recovery identity sets a new password that opens all that was sealed for it") {
    PasswordHouse house;
    const crypto::OpenKey offline = crypto::OpenKey::generate();
    const json identity{{"identity", " " + textOf(offline) + "\r"}};
    CHECK(house.refusedOf("mailbox.recover", identity, "is sealed for age1") == EX_NOPERM);
    house.keeper.setRecovery(offline.sealKey());
    house.password("mailbox.change_password", {{"password", kFirst}});  // seals both
    CHECK(house.mailbox().recoverableBy(offline.sealKey()));
    house.password("mailbox.reset_password");
    house.deliver(kAddress, 1);
    CHECK(house.counts() == std::pair(1, 1));
    CHECK(house.refusedOf("mailbox.recover", {{"identity", "AGE-SECRET-KEY-1Q"}},
                          "no age identity") == EX_DATAERR);
    CHECK(house.refusedOf("mailbox.recover", {}, "no recovery identity") == EX_USAGE);
    CHECK(house.refusedOf("mailbox.recover", {{"identity", textOf(crypto::OpenKey::generate())}},
                          "is sealed for age1") == EX_NOPERM);
    const std::string password = house.password("mailbox.recover", identity);
    CHECK(house.opened(password) == 4);
    CHECK(house.counts() == std::pair(2, 0));
}

TEST_CASE("the recovery key of the config takes part from the first mailbox on") {
    PasswordHouse house;
    const crypto::SealKey recovery = crypto::OpenKey::generate().sealKey();
    house.config.keys.recovery = recovery;
    Operations operations(house.config, house.keeper, house.store);
    const json made = operations.perform({{"operation", "mailbox.create"}, {"name", "two"}});
    const auto mailbox =
        house.keeper.current()->find(*MailboxId::parse(made.at("address").get<std::string>()));
    CHECK(mailbox->recoverableBy(recovery));
    CHECK_FALSE(house.mailbox().recoverableBy(recovery));
}

TEST_CASE("only what takes a key out of use waits for messages under way") {
    const auto replaces = [](const char* operation) {
        return Operations::replacesKey({{"operation", operation}});
    };
    CHECK(replaces("mailbox.reset_password"));
    CHECK(replaces("mailbox.change_password"));
    CHECK(replaces("mailbox.recover"));
    CHECK_FALSE(replaces("mailbox.unlock_earlier"));
    CHECK_FALSE(replaces("mailbox.create"));
    CHECK_FALSE(Operations::replacesKey({{"operation", 7}}));
    CHECK_FALSE(Operations::replacesKey(json::object()));
}
