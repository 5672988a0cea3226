// What an admin asks of messages, and of mailboxes before they are made.
#include "tests/gateway/operations_fixture.h"

namespace {

using namespace operations_test;
using json = nlohmann::json;

constexpr const char* kPassword = "a password that is long enough";

json adopted() { return {{"name", "a"}, {"address", kAddress}, {"password", kPassword}}; }

std::string stateOf(House& house, const MessageId& id) {
    const json answer =
        house.ask("message.restore", {{"address", kAddress}, {"uidls", {id.str()}}});
    REQUIRE(answer.at("ok") == true);
    REQUIRE(answer.at("messages").size() == 1);
    const json& message = answer.at("messages").at(0);
    return message.at("state").get<std::string>() +
           (message.at("locked") == true ? ", locked" : "");
}

}  // namespace

TEST_CASE("messages are restored under every key of the mailbox") {
    House house;
    house.ask("mailbox.create", adopted());
    const auto mailbox = [&] { return house.keeper.current()->find(*MailboxId::parse(kAddress)); };
    const MessageId first = house.deliver(kAddress, 10);
    const Drop drop(mailbox()->id, mailbox()->current()->recipient);
    house.store.remove(drop, {{first}});
    CHECK(stateOf(house, first) == "restored");
    CHECK(stateOf(house, first) == "waiting");
    CHECK(stateOf(house, MessageId::generate()) == "unknown");
    house.store.remove(drop, {{first}});
    house.ask("mailbox.change_password", {{"address", kAddress}, {"password", kPassword}});
    CHECK(stateOf(house, first) == "restored");
    house.store.remove(drop, {{first}});
    house.ask("mailbox.reset_password", {{"address", kAddress}});
    CHECK(stateOf(house, first) == "restored, locked");
    house.store.remove(drop, {{first}});
    house.ask("mailbox.delete", {{"address", kAddress}});
    CHECK(stateOf(house, first) == "restored, locked");
}

TEST_CASE("a UIDL that is none is refused before anything is restored") {
    House house;
    house.ask("mailbox.create", adopted());
    const MessageId id = house.deliver(kAddress, 10);
    const auto mailbox = house.keeper.current()->find(*MailboxId::parse(kAddress));
    house.store.remove(Drop(mailbox->id, mailbox->current()->recipient), {{id}});
    for (const json& wrong : {json("../../node/node.toml"), json(""), json(7)}) {
        CHECK(house.refused("message.restore",
                            {{"address", kAddress}, {"uidls", {id.str(), wrong}}},
                            "no UIDL") == EX_USAGE);
    }
    CHECK(stateOf(house, id) == "restored");
}

TEST_CASE("what would become of a new mailbox is told, and none is made") {
    House house;
    CHECK(house.ask("mailbox.check_new", {{"name", "a"}}).at("exists") == false);
    CHECK(house.ask("mailbox.check_new", adopted()).at("exists") == false);
    CHECK(house.ask("mailbox.list").at("mailboxes").empty());
    house.ask("mailbox.create", adopted());
    const json there = house.ask("mailbox.check_new", adopted());
    CHECK(there.at("exists") == true);
    CHECK(there.at("status") == "active");
    CHECK_FALSE(there.contains("password"));
    json request = adopted();
    request.erase("password");
    CHECK(house.ask("mailbox.check_new", request).at("exists") == true);
    request["password"] = "another password";
    CHECK(house.refused("mailbox.check_new", request, "another password; leave it out") ==
          EX_NOPERM);
    request["password"] = "a\nb";
    CHECK(house.refused("mailbox.check_new", request, "control character") == EX_DATAERR);
    CHECK(house.refused("mailbox.check_new", {{"name", "a"}, {"password", kPassword}},
                        "only for an address") == EX_USAGE);
    CHECK(house.refused("mailbox.check_new", {{"name", "a"}, {"address", "mbx-1"}},
                        "no mailbox address") == EX_USAGE);
    house.ask("mailbox.delete", {{"address", kAddress}});
    CHECK(house.refused("mailbox.check_new", adopted(), "mailbox activate") == EX_DATAERR);
}
