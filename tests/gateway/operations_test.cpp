// What commands ask for, against real records and a real store in a temporary folder.
#include "gateway/operations.h"

#include <doctest/doctest.h>

#include "crypto/sealed_text.h"
#include "gateway/arrival.h"
#include "tests/gateway/operations_fixture.h"

using namespace operations_test;
using nlohmann::json;

TEST_CASE("a mailbox that is made has a password that opens its key") {
    House house;
    const json made = house.ask("mailbox.create",
                                {{"name", "  Journal of ÄÖÜ "}, {"description", "all mail, \\o/"}});
    REQUIRE(made.at("ok") == true);
    const std::string address = made.at("address");
    CHECK(made.at("email") == address + "@msgw.test");
    CHECK(made.at("name") == "Journal of ÄÖÜ");
    CHECK(made.at("description") == "all mail, \\o/");
    CHECK(made.at("status") == "active");
    CHECK(made.at("host") == "msgw1.test");
    CHECK(made.at("ports") ==
          json{{"smtp", 2525}, {"smtps", nullptr}, {"pop3", nullptr}, {"pop3s", 995}});
    const auto mailbox = house.keeper.current()->find(*MailboxId::parse(address));
    REQUIRE(mailbox);
    const crypto::Password password(made.at("password").get<std::string>());
    CHECK(crypto::openIdentity(mailbox->current()->sealedIdentity, address,
                               mailbox->current()->recipient, password)
              .has_value());
}

TEST_CASE("an address and password of another gateway are taken over") {
    House house;
    const std::string password = R"(qn5x(/.B9M~PsZA92f]VYbIG`q{!1^[8 \")";
    const json made =
        house.ask("mailbox.create", {{"name", "adopted"},
                                     {"address", "MBX-0123456789ABCDEF0123456789ABCDEF@msgw.TEST"},
                                     {"password", password}});
    REQUIRE(made.at("ok") == true);
    CHECK(made.at("address") == kAddress);
    CHECK_FALSE(made.contains("password"));
    const auto mailbox = house.keeper.current()->find(*MailboxId::parse(kAddress));
    REQUIRE(mailbox);
    CHECK(crypto::openIdentity(mailbox->current()->sealedIdentity, kAddress,
                               mailbox->current()->recipient, crypto::Password(password))
              .has_value());
    CHECK(house.refused("mailbox.create", {{"name", "again"}, {"address", kAddress}}, kAddress) ==
          EX_CANTCREAT);
}

TEST_CASE("what cannot be a mailbox is refused, and nothing is made") {
    House house;
    const std::string other = std::string(kAddress) + "@other.test";
    CHECK(house.refused("mailbox.create", {}, "needs a name") == EX_USAGE);
    CHECK(house.refused("mailbox.create", {{"name", "  "}}, "needs a name") == EX_USAGE);
    CHECK(house.refused("mailbox.create", {{"name", 7}}, "is not a text") == EX_DATAERR);
    CHECK(house.refused("mailbox.create", {{"name", "a\nb"}}, "control characters") == EX_DATAERR);
    CHECK(house.refused("mailbox.create", {{"name", "\xff"}}, "not UTF-8") == EX_DATAERR);
    CHECK(house.refused("mailbox.create", {{"name", std::string(201, 'a')}}, "longer than 200") ==
          EX_DATAERR);
    CHECK(house.refused("mailbox.create", {{"name", "a"}, {"address", "mbx-12"}},
                        "mbx-12 is no mailbox address") == EX_USAGE);
    CHECK(house.refused("mailbox.create", {{"name", "a"}, {"address", other}},
                        "another domain than this gateway's, msgw.test") == EX_USAGE);
    CHECK(house.refused("mailbox.create", {{"name", "a"}, {"password", "secret"}},
                        "only for an address that is taken over") == EX_USAGE);
    for (const char* bad : {"", "a\tb", "a\rb"}) {
        const json request{{"name", "a"}, {"address", kAddress}, {"password", bad}};
        CHECK(house.refused("mailbox.create", request, "password") == EX_DATAERR);
    }
    CHECK(house.refused("mailbox.frobnicate", {}, "does not know the operation") == EX_UNAVAILABLE);
    CHECK(house.ask("mailbox.list").at("mailboxes").empty());
}

TEST_CASE("the list counts what waits, with the octets that RETR will send") {
    House house;
    const std::string address =
        house.ask("mailbox.create", {{"name", "one"}}).at("address").get<std::string>();
    const json empty = house.ask("mailbox.list").at("mailboxes").at(0);
    CHECK(empty.at("address") == address);
    CHECK(empty.at("waiting") == json{{"messages", 0}, {"octets", 0}, {"oldest", nullptr}});
    CHECK(empty.at("locked") == 0);
    CHECK(empty.at("last_received").is_null());
    CHECK(empty.at("last_fetched").is_null());
    const MessageId first = house.deliver(address, 100'000);
    house.deliver(address, 11, std::chrono::hours(1));
    const json waiting = house.ask("mailbox.list").at("mailboxes").at(0).at("waiting");
    CHECK(waiting.at("messages") == 2);
    CHECK(waiting.at("octets") == 100'011);
    CHECK(waiting.at("oldest") == formatTimestamp(arrivalOf(first)));
}

TEST_CASE("one mailbox is shown with its keys and where to connect") {
    House house;
    house.ask("mailbox.create", {{"name", "one"}, {"address", kAddress}});
    const json shown = house.ask("mailbox.show", {{"address", kAddress}}).at("mailbox");
    CHECK(shown.at("email") == std::string(kAddress) + "@msgw.test");
    CHECK(shown.at("ports").at("pop3s") == 995);
    CHECK(shown.at("keys").size() == 1);
    CHECK(shown.dump().find("AGE ENCRYPTED") == std::string::npos);
    CHECK(house.refused("mailbox.show", {{"address", "mbx-ffffffffffffffffffffffffffffffff"}},
                        "there is no mailbox mbx-ffff") == EX_DATAERR);
    CHECK(house.refused("mailbox.show", {}, "no mailbox address") == EX_USAGE);
}

TEST_CASE("name, description and status change, and stay over a restart") {
    House house;
    house.ask("mailbox.create", {{"name", "one"}, {"description", "d"}, {"address", kAddress}});
    const json request{{"address", kAddress}};
    CHECK(house.refused("mailbox.edit", request, "nothing to change") == EX_USAGE);
    json change = request;
    change["name"] = "two";
    const json edited = house.ask("mailbox.edit", change).at("mailbox");
    CHECK(edited.at("name") == "two");
    CHECK(edited.at("description") == "d");
    change.erase("name");
    change["description"] = "";
    CHECK(house.ask("mailbox.edit", change).at("mailbox").at("description") == "");
    CHECK(house.ask("mailbox.suspend", request).at("mailbox").at("status") == "suspended");
    CHECK(house.ask("mailbox.suspend", request).at("mailbox").at("status") == "suspended");
    {
        RegistryKeeper again(house.layout, newNode(house.layout));
        const auto mailbox = again.load()->find(*MailboxId::parse(kAddress));
        REQUIRE(mailbox);
        CHECK(mailbox->name == "two");
        CHECK(mailbox->description.empty());
        CHECK(mailbox->status == MailboxStatus::Suspended);
    }
    CHECK(house.ask("mailbox.activate", request).at("mailbox").at("status") == "active");
}

TEST_CASE("pins are set one by one, taken away one by one, and refused whole") {
    House house;
    house.ask("mailbox.create", {{"name", "one"}, {"address", kAddress}});
    const auto pin = [&](const json& allow) {
        return house.ask("mailbox.edit", {{"address", kAddress}, {"allow", allow}}).at("mailbox");
    };
    CHECK(house.ask("mailbox.show", {{"address", kAddress}}).at("mailbox").at("senders") ==
          "everybody");
    CHECK(pin({{"networks", {"192.0.2.0/24"}}, {"tls", "required"}}).at("senders") ==
          "from 192.0.2.0/24, under TLS (observed only)");
    CHECK(pin({{"mode", "enforce"}, {"networks", nullptr}, {"later", 1}}).at("allow") ==
          json{{"mode", "enforce"}, {"tls", "required"}, {"later", 1}});
    CHECK(pin({{"tls", "any"}}).at("allow").at("later") == 1);  // a later version's field stays
    CHECK(house.refused("mailbox.edit",
                        {{"address", kAddress}, {"allow", {{"tls", "certificate"}}}},
                        "`certificate_names` is missing") == EX_DATAERR);
    CHECK(house.ask("mailbox.show", {{"address", kAddress}}).at("mailbox").at("senders") ==
          "everybody");
}

TEST_CASE("a mailbox is deleted when nothing waits, locked or not, or what waits is discarded") {
    House house;
    house.ask("mailbox.create", {{"name", "one"}, {"address", kAddress}});
    const json request{{"address", kAddress}};
    const json discarding{{"address", kAddress}, {"discard_messages", true}};
    house.deliver(kAddress, 1);
    house.ask("mailbox.reset_password", request);
    CHECK(house.refused("mailbox.delete", request, "1 messages wait in ") == EX_DATAERR);
    house.deliver(kAddress, 1);
    CHECK(house.refused("mailbox.delete", request, ", 1 of them locked") == EX_DATAERR);
    const MailboxId id = *MailboxId::parse(kAddress);
    CHECK(house.keeper.current()->find(id)->status == MailboxStatus::Active);
    const json deleted = house.ask("mailbox.delete", discarding).at("mailbox");
    CHECK(deleted.at("status") == "deleted");
    CHECK(deleted.at("waiting").at("messages") == 0);
    CHECK(deleted.at("locked") == 0);
    CHECK(deleted.at("keys").size() == 2);
    CHECK(house.refused("mailbox.suspend", request, "is deleted") == EX_DATAERR);
    CHECK(house.ask("mailbox.delete", request).at("mailbox").at("status") == "deleted");
    CHECK(house.ask("mailbox.activate", request).at("mailbox").at("status") == "active");
    CHECK(house.ask("mailbox.delete", request).at("mailbox").at("status") == "deleted");
}

TEST_CASE("a trouble of the disk is an answer, not an exception") {
    House house;
    std::filesystem::remove_all(house.layout.data());
    const json answer = house.ask("mailbox.create", {{"name", "one"}});
    CHECK(answer.at("ok") == false);
    CHECK(answer.at("exit") == EX_IOERR);
    CHECK_FALSE(answer.contains("password"));
}
