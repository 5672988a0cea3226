// Imports that somebody forged, or that fail: what counts and what lies on the disk stays.
#include <doctest/doctest.h>

#include "tests/mail/backup_fixture.h"

using namespace backup_test;

namespace {

/// What a thief can make: a record file that says to be node `id`'s, signed with a key of its own.
Record forged(const MailboxId& mailbox, const NodeId& id, const crypto::SigningKey& key,
              std::uint64_t counter, const std::string& kind, nlohmann::json fields) {
    NodeFile file(id, key.verifyKey(), "forged.example.com");
    file.add(Statement::make(mailbox, id, key, counter, WallTime(), kind, std::move(fields)));
    Record record(mailbox);
    record.unite(file);
    return record;
}

nlohmann::json named(const std::string& name) { return {{"name", name}, {"description", ""}}; }

}  // namespace

TEST_CASE("nobody takes over this node's own id, however much he is trusted") {
    Side ours("gw1.example.com");
    const MailboxId id = ours.running->create(RecordsFixture::wanted("Archive"))->id;
    const std::string before = ours.backup();
    // Files are told apart by the key too: below and above ours in order.
    for (int i = 0; i < 8; ++i) {
        const std::vector<Record> records{forged(id, ours.node("gw1.example.com").id(),
                                                 crypto::SigningKey::generate(), 100, "describe",
                                                 named("Taken over"))};
        const auto import = ours.running->import(records, true);
        CHECK(import.trusted.empty());
        REQUIRE(import.distrusted.size() == 1);
        CHECK(import.distrusted[0].find("this node's own id") != std::string::npos);
    }
    CHECK(ours.backup() == before);
    CHECK(ours.keeper("gw1.example.com")->load()->find(id)->name == "Archive");
}

TEST_CASE("a node that says nothing is not trusted, and two keys of one node are refused") {
    Side ours("gw1.example.com");
    const MailboxId id = ours.running->create(RecordsFixture::wanted("Archive"))->id;
    const NodeId stranger = NodeId::generate();
    Record silent(id);
    silent.unite(NodeFile(stranger, crypto::SigningKey::generate().verifyKey(), "silent"));
    CHECK(ours.running->import(std::vector<Record>{silent}, true).trusted.empty());
    CHECK(TrustedNodes::load(ours.layout).empty());
    Backup backup;
    backup.domain = "msgw.example.com";
    for (int i = 0; i < 2; ++i) {
        backup.records.push_back(forged(MailboxId::generate(), stranger,
                                        crypto::SigningKey::generate(), 1, "describe", named("x")));
    }
    CHECK(whyRefused(backup.toToml()).find("two keys") != std::string::npos);
}

TEST_CASE("trusting a node by an import names what lies in config/ of it already") {
    Side ours("gw1.example.com");
    const MailboxId first = ours.running->create(RecordsFixture::wanted("First"))->id;
    const MailboxId second = ours.running->create(RecordsFixture::wanted("Second"))->id;
    const NodeId stranger = NodeId::generate();
    const crypto::SigningKey key = crypto::SigningKey::generate();
    const Record planted = forged(second, stranger, key, 100, "describe", named("Planted"));
    RecordsFixture::write(ours.layout.recordFile(second, stranger),
                          Record::toToml(second, planted.files().begin()->second));
    CHECK(ours.running->load()->find(second)->name == "Second");
    const std::vector<Record> records{
        forged(first, stranger, key, 100, "describe", named("Renamed"))};
    CHECK(says(ours.running->preview(records, true), "\"Planted\""));
    CHECK(says(ours.running->import(records, true), "\"Planted\""));
    CHECK(ours.find(second)->name == "Planted");
}

TEST_CASE("a key that is sealed anew is no mere history") {
    Side ours("gw1.example.com");
    const auto mailbox = ours.running->create(RecordsFixture::wanted("Archive"));
    const std::vector<Record> records{forged(mailbox->id, NodeId::generate(),
                                             crypto::SigningKey::generate(), 100, "key",
                                             {{"recipient", mailbox->current()->recipient.str()},
                                              {"epoch", 1},
                                              {"sealed_identity", "garbage"}})};
    CHECK(says(ours.running->preview(records, true), "its key is sealed anew"));
}

TEST_CASE("a record does not grow beyond what is read") {
    Side ours("gw1.example.com");
    const MailboxId id = ours.running->create(RecordsFixture::wanted("Archive"))->id;
    const std::string before = ours.backup();
    const NodeId node = NodeId::generate();
    const crypto::SigningKey key = crypto::SigningKey::generate();
    const auto refused = [&](const Record& record) {
        try {
            ours.running->import(std::vector<Record>{record}, true);
            return std::string("imported");
        } catch (const Error& error) {
            return std::string(error.what());
        }
    };
    SUBCASE("in octets") {
        Record record(id);
        for (std::uint64_t counter = 5; counter < 10; ++counter) {
            record.unite(forged(id, node, key, counter, "describe",
                                named(std::string(std::size_t{1} << 20U, 'x'))));
        }
        CHECK(refused(record).find("4 MiB") != std::string::npos);
    }
    SUBCASE("in statements") {
        NodeFile file(node, key.verifyKey(), "chatty");
        for (std::uint64_t counter = 1; counter <= NodeFile::kMostStatements + 1; ++counter) {
            file.add(Statement::make(id, node, key, counter, WallTime(), "status",
                                     {{"status", "active"}}));
        }
        Record record(id);
        record.unite(file);
        CHECK(refused(record).find("10,000 statements") != std::string::npos);
    }
    CHECK(ours.backup() == before);
    CHECK(ours.keeper("gw1.example.com")->load()->find(id)->name == "Archive");
}

TEST_CASE("one mailbox that cannot be imported keeps no other back") {
    Side first("gw1.example.com");
    const MailboxId one = first.running->create(RecordsFixture::wanted("One"))->id;
    const MailboxId two = first.running->create(RecordsFixture::wanted("Two"))->id;
    Side second("gw2.example.com");
    RecordsFixture::write(second.layout.recordFile(one, first.node("gw1.example.com").id()),
                          "format = 9\n");
    second.running->load();
    std::string why;
    const auto backup = Backup::fromToml(first.backup(), why);
    CHECK_THROWS_WITH_AS(second.running->import(backup->records, true),
                         doctest::Contains("1 of 2 mailboxes were not imported"), Error);
    CHECK(second.find(two)->name == "Two");
    CHECK_FALSE(second.find(one));
    CHECK(RecordsFixture::read(second.layout.recordFile(one, first.node("gw1.example.com").id())) ==
          "format = 9\n");
}

TEST_CASE("an import that fails leaves files alone that it did not write") {
    Side first("gw1.example.com");
    const MailboxId id = first.running->create(RecordsFixture::wanted("Archive"))->id;
    const std::string older = first.backup();
    first.running->addKey(id, kPassword, {});
    const std::string newer = RecordsFixture::read(first.configFile(id));
    const NodeId node = first.node("gw1.example.com").id();
    std::string why;
    const auto backup = Backup::fromToml(older, why);
    unsigned failures = 0;
    bool reached = true;
    for (unsigned call = 1; reached; ++call) {
        Side second("gw2.example.com");
        second.running->create(RecordsFixture::wanted("Own"));
        RecordsFixture::write(second.layout.recordFile(id, node), newer);
        second.running->load();
        {
            const shim::Watch watch(shim::failNth(call, ENOSPC));
            try {
                second.running->import(backup->records, true);
            } catch (const Error&) {
                ++failures;
            }
            reached = watch.calls().size() >= call;
        }
        CHECK(RecordsFixture::read(second.layout.recordFile(id, node)) == newer);
    }
    CHECK(failures > 5);
}
