// The backup as text, and what uniting with one changes.
#include "gateway/mail/backup.h"

#include <doctest/doctest.h>

#include "gateway/mail/replaced_keys.h"
#include "tests/mail/backup_fixture.h"

using namespace backup_test;

TEST_CASE("a backup brings every mailbox to a new node, which trusts its makers from then on") {
    Side first("gw1.example.com");
    const MailboxId id = first.running->create(RecordsFixture::wanted("Acme's \"box\" '''"))->id;
    first.running->setStatus(first.running->create(RecordsFixture::wanted("Two"))->id,
                             MailboxStatus::Suspended);
    Side second("gw2.example.com");
    const auto import = second.import(first.backup());
    CHECK(import.changes.size() == 2);
    CHECK(says(import, "a new mailbox, \"Two\", suspended"));
    REQUIRE(import.trusted.size() == 1);
    CHECK(import.trusted[0] == first.node().id().str() + " (gw1.example.com)");
    CHECK(second.find(id)->name == "Acme's \"box\" '''");
    CHECK(second.find(id)->current()->recipient == first.find(id)->current()->recipient);
    CHECK(second.backup() == first.backup());
    CHECK(second.import(first.backup()).changes.empty());
    // Durable: as a newly started process sees it, and with config/ gone.
    CHECK(second.keeper("gw2.example.com")->load()->mailboxes().size() == 2);
    std::filesystem::remove_all(second.layout.config());
    CHECK(second.keeper("gw2.example.com")->load()->mailboxes().size() == 2);
    // Trusted: what the first says later counts too.
    first.running->describe(id, "Renamed", "");
    CHECK(says(second.import(first.backup()), "its name becomes \"Renamed\" instead of"));
    CHECK(second.find(id)->name == "Renamed");
}

TEST_CASE("an old backup takes nothing back") {
    Side first("gw1.example.com");
    const MailboxId id = first.running->create(RecordsFixture::wanted("Archive"))->id;
    const std::string old = first.backup();
    first.running->addKey(id, kPassword, {});
    first.running->setStatus(id, MailboxStatus::Suspended);
    const auto before = first.find(id);
    CHECK(first.import(old).changes.empty());
    CHECK(first.find(id) == before);
}

TEST_CASE("a damaged backup is refused whole, and says why") {
    Side first("gw1.example.com");
    first.running->create(RecordsFixture::wanted("Archive"));
    first.running->create(RecordsFixture::wanted("Books"));
    const std::string good = first.backup();
    CHECK(whyRefused("").find("no backup of Postern") != std::string::npos);
    CHECK(whyRefused("domain = 1").find("no backup of Postern") != std::string::npos);
    CHECK(whyRefused("\x1f\x8b\x08").find("line 1") != std::string::npos);
    const auto lastFile = good.rfind("[[file]]");
    CHECK(whyRefused(good.substr(0, lastFile)).find("should hold 2 record files, but holds 1") !=
          std::string::npos);
    CHECK(whyRefused(good.substr(0, lastFile + 300)).find("cut off or damaged") !=
          std::string::npos);
    CHECK(whyRefused(replaced(good, "name = \"Archive\"", "name = \"Elsewhere\""))
              .find("a signature of node " + first.node().id().str() + " is wrong") !=
          std::string::npos);
    CHECK(whyRefused(replaced(good, "format = 1", "format = 2")).find("a newer Postern") !=
          std::string::npos);
    CHECK(whyRefused(replaced(good, "mailbox = \"mbx-", "mailbox = \"mxb-")).find("names no") !=
          std::string::npos);
    CHECK(whyRefused(replaced(good, "counter = 1", "counter = -1")).find("statement 1") !=
          std::string::npos);
    CHECK(whyRefused(std::string(Backup::kMostOctets + 1, '#')).find("larger than 32 MiB") !=
          std::string::npos);
}

TEST_CASE("nothing nests deep enough to end the stack, whatever the quotes before it") {
    std::string deep = "a";
    for (int i = 0; i < 50'000; ++i) {
        deep += ".a";
    }
    for (const std::string quotes : {"'''", "\"\"\""}) {
        for (std::size_t more = 0; more <= 2; ++more) {
            const std::string text = "x = [" + quotes + "a" + quotes + quotes.substr(0, more) +
                                     ", {" + deep + " = 1}]\n";
            CHECK(whyRefused(text).find("nests deeper") != std::string::npos);
        }
    }
}

TEST_CASE("every cut and every flipped octet leaves a backup refused, or saying the same") {
    Side first("gw1.example.com");
    first.running->create(RecordsFixture::wanted("Archive"));
    const std::string good = first.backup();
    std::string why;
    const std::string records = Backup::fromToml(good, why)->records[0].fold().name;
    const auto harmless = [&](const std::string& text) {
        const auto backup = Backup::fromToml(text, why);
        return !backup ||
               (backup->records.size() == 1 && backup->records[0].fold().name == records);
    };
    for (std::size_t at = 0; at < good.size(); at += 37) {
        CHECK(harmless(good.substr(0, at)));
        std::string bad = good;
        bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ 1U);
        CHECK(harmless(bad));
    }
}

TEST_CASE("what a stranger signed in a stolen backup is held back, and mail keeps its key") {
    Side ours("gw1.example.com");
    const MailboxId id = ours.running->create(RecordsFixture::wanted("Archive"))->id;
    const crypto::SealKey recipient = ours.find(id)->current()->recipient;
    Side thief("evil.example.com");
    thief.import(ours.backup());
    thief.running->addKey(id, kPassword, {});
    const MailboxId foreign = thief.running->create(RecordsFixture::wanted("Foreign"))->id;
    const auto import = ours.import(thief.backup());
    CHECK(import.trusted.empty());
    REQUIRE(import.distrusted.size() == 1);
    CHECK(import.distrusted[0].find("evil.example.com") != std::string::npos);
    CHECK(says(import, "1 statement held back"));
    CHECK(ours.find(id)->current()->recipient == recipient);
    CHECK_FALSE(ours.find(foreign));
    CHECK(TrustedNodes::load(ours.layout).empty());
    SUBCASE("unless the admin says that it is to be trusted, who is told first") {
        const auto trusting = ours.import(thief.backup(), true);
        CHECK(says(trusting, "its password becomes the one set on evil.example.com at"));
        CHECK(says(trusting, "is locked until"));
        CHECK(ours.find(id)->current()->recipient != recipient);
        CHECK(ours.find(foreign)->name == "Foreign");
    }
}

TEST_CASE("a running node without a mailbox takes what is copied into its config") {
    Side first("gw1.example.com");
    const MailboxId id = first.running->create(RecordsFixture::wanted("Archive"))->id;
    Side second("gw2.example.com");
    CHECK_FALSE(second.find(id));
    std::filesystem::copy(first.layout.config(), second.layout.config(),
                          std::filesystem::copy_options::recursive);
    CHECK(second.running->changed());
    CHECK(second.running->load()->find(id)->name == "Archive");
}

TEST_CASE("two passwords set at once: one counts on both nodes, the other is shown until seen") {
    Side first("gw1.example.com");
    const MailboxId id = first.running->create(RecordsFixture::wanted("Archive"))->id;
    Side second("gw2.example.com");
    second.import(first.backup());
    first.now += std::chrono::minutes(2);
    second.now += std::chrono::minutes(3);
    first.running->addKey(id, kPassword, {});
    second.running->addKey(id, kPassword, {});
    first.import(second.backup(), true);
    second.import(first.backup());
    CHECK(first.find(id)->current()->recipient == second.find(id)->current()->recipient);
    const auto mailbox = first.find(id);
    const auto shown = replacedKeys(*mailbox);
    REQUIRE(shown.size() == 1);
    const bool firstWon = shown[0].winner->nodeName == "gw1.example.com";
    const auto setOn = [](const Side& side, const char* name) {
        return std::string(name) + " at " + formatTimestamp(side.now);
    };
    const std::string onFirst = setOn(first, "gw1.example.com");
    const std::string onSecond = setOn(second, "gw2.example.com");
    CHECK(describe(shown[0]) == "the password set on " + (firstWon ? onSecond : onFirst) +
                                    " was replaced by the one set on " +
                                    (firstWon ? onFirst : onSecond));
    CHECK(RecordsFixture::finds(*first.running->current(), describe(shown[0])));
    CHECK(RecordsFixture::finds(*second.running->current(), describe(shown[0])));
    SUBCASE("acknowledged on one node, it is on the other") {
        second.running->acknowledge(id);
        first.import(second.backup());
        CHECK(replacedKeys(*first.find(id))[0].lost->acknowledged);
        CHECK_FALSE(RecordsFixture::finds(*first.running->current(), "was replaced"));
        CHECK(first.running->acknowledge(id) == first.find(id));  // nothing to say twice
    }
    SUBCASE("reset on the losing node: the password its mailbox had before is the winner") {
        (firstWon ? second : first).running->addKey(id, kPassword, {});
        const Side& loser = firstWon ? second : first;
        const auto after = replacedKeys(*loser.find(id));
        REQUIRE(after.size() == 1);
        CHECK(after[0].lost->recipient == shown[0].winner->recipient);
        CHECK(after[0].winner->recipient == shown[0].lost->recipient);
    }
}

TEST_CASE("a password set after another's was known replaces nothing unseen") {
    Side first("gw1.example.com");
    const MailboxId id = first.running->create(RecordsFixture::wanted("Archive"))->id;
    Side second("gw2.example.com");
    second.import(first.backup());
    second.running->addKey(id, kPassword, {});
    const auto import = first.import(second.backup(), true);
    CHECK(says(import, "instead of the one set on gw1.example.com"));
    CHECK(replacedKeys(*first.find(id)).empty());
}

TEST_CASE("an import that cannot be written changes nothing of that mailbox, and can be repeated") {
    Side first("gw1.example.com");
    const MailboxId id = first.running->create(RecordsFixture::wanted("Archive"))->id;
    std::string why;
    const auto backup = Backup::fromToml(first.backup(), why);
    unsigned failures = 0;
    bool reached = true;
    for (unsigned call = 1; reached; ++call) {
        Side second("gw2.example.com");
        bool failed = false;
        {
            const shim::Watch watch(shim::failNth(call, ENOSPC));
            try {
                second.running->import(backup->records, true);
            } catch (const Error&) {
                failed = true;
            }
            reached = watch.calls().size() >= call;
        }
        failures += failed ? 1 : 0;
        // What did not fail is done, and a new process sees none or the whole.
        CHECK((second.find(id) != nullptr) == !failed);
        const auto restarted = second.keeper("gw2.example.com");
        const auto found = restarted->load()->find(id);
        CHECK((found || failed));
        CHECK((!found || found->name == "Archive"));
        restarted->import(backup->records, true);
        CHECK(restarted->current()->find(id)->name == "Archive");
    }
    CHECK(failures > 20);
}
