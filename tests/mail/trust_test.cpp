// Whose statements count: ours, and those of nodes we trust; nobody else redirects mail.
#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "tests/mail/records_fixture.h"

namespace fs = std::filesystem;
using namespace gateway;

namespace {

/// Copies the records of one data directory over those of another, as an admin would.
void copyConfig(const RecordsFixture& from, const RecordsFixture& to) {
    fs::create_directories(to.layout.config());
    fs::copy(from.layout.config(), to.layout.config(),
             fs::copy_options::recursive | fs::copy_options::overwrite_existing);
}

void trust(const RecordsFixture& trusting, const RecordsFixture& trusted) {
    TrustedNodes nodes = TrustedNodes::load(trusting.layout);
    CHECK(nodes.add(trusted.node().id(), trusted.node().key().verifyKey(), "by this test"));
    nodes.save(trusting.layout);
}

}  // namespace

TEST_CASE(
    "a node without a mailbox trusts the nodes whose records it finds, and writes them down") {
    RecordsFixture first;
    auto keeper = first.keeper();
    keeper->load();
    const MailboxId id = keeper->create(RecordsFixture::wanted("Archive"))->id;
    RecordsFixture second;
    copyConfig(first, second);
    CHECK(second.keeper()->load()->find(id)->name == "Archive");
    CHECK(TrustedNodes::load(second.layout)
              .trusts(first.node().id(), first.node().key().verifyKey()));
    // From now on changes made on the first count here too.
    keeper->describe(id, "Renamed", "");
    copyConfig(first, second);
    CHECK(second.keeper()->load()->find(id)->name == "Renamed");
}

TEST_CASE(
    "a node that has a mailbox holds back what a stranger says, and mail goes to the old key") {
    RecordsFixture ours;
    auto keeper = ours.keeper();
    keeper->load();
    const auto mailbox = keeper->create(RecordsFixture::wanted("Archive"));
    RecordsFixture stranger;
    copyConfig(ours, stranger);
    auto theirs = stranger.keeper("evil.example.com");
    theirs->load();
    theirs->describe(mailbox->id, "Redirected", "");
    const MailboxId foreign = theirs->create(RecordsFixture::wanted("Foreign"))->id;
    copyConfig(stranger, ours);
    CHECK(keeper->changed());
    const auto registry = keeper->load();
    CHECK(registry->find(mailbox->id)->name == "Archive");
    CHECK(registry->find(mailbox->id)->heldBack == 1);
    CHECK(registry->find(mailbox->id)->current()->recipient == mailbox->current()->recipient);
    CHECK(RecordsFixture::finds(*registry, "does not trust node " + stranger.node().id().str()));
    CHECK(RecordsFixture::finds(*registry, "evil.example.com"));
    CHECK_FALSE(registry->find(foreign));
    CHECK(registry->unreadable(foreign));
    CHECK_FALSE(fs::exists(ours.layout.knownRecordFile(mailbox->id, stranger.node().id())));
    SUBCASE("our own next statement leaves theirs where it is") {
        keeper->describe(mailbox->id, "Archive 2", "");
        CHECK(keeper->current()->find(mailbox->id)->heldBack == 1);
    }
    SUBCASE("once trusted, all of it counts") {
        trust(ours, stranger);
        const auto after = ours.keeper()->load();
        CHECK(after->find(mailbox->id)->name == "Redirected");
        CHECK(after->find(foreign)->name == "Foreign");
        CHECK(after->findings().empty());
    }
}

TEST_CASE("a trusted node's name does not lend trust to another key") {
    RecordsFixture ours;
    auto keeper = ours.keeper();
    keeper->load();
    const MailboxId id = keeper->create(RecordsFixture::wanted("Archive"))->id;
    RecordsFixture twin;
    trust(ours, twin);
    const auto forger = crypto::SigningKey::generate();
    NodeFile file(twin.node().id(), forger.verifyKey(), "twin");
    file.add(Statement::make(id, file.node, forger, 99, ours.now, "describe",
                             {{"name", "Forged"}, {"description", ""}}));
    RecordsFixture::write(ours.layout.recordFile(id, file.node), Record::toToml(id, file));
    const auto registry = ours.keeper()->load();
    CHECK(registry->find(id)->name == "Archive");
    CHECK(registry->find(id)->heldBack == 1);

    NodeFile impostor(ours.node().id(), forger.verifyKey(), "us");
    impostor.add(Statement::make(id, impostor.node, forger, 100, ours.now, "describe",
                                 {{"name", "Forged"}, {"description", ""}}));
    RecordsFixture::write(ours.configFile(id), Record::toToml(id, impostor));
    ours.now += std::chrono::seconds(61);
    auto restarted = ours.keeper();
    CHECK(restarted->load()->find(id)->name == "Archive");
    CHECK(fs::exists(ours.configFile(id).native() + ".damaged-1"));
    CHECK(restarted->describe(id, "Still ours", "")->name == "Still ours");
}

TEST_CASE("a file under another node's name does not count") {
    RecordsFixture ours;
    auto keeper = ours.keeper();
    keeper->load();
    const MailboxId id = keeper->create(RecordsFixture::wanted("Archive"))->id;
    const NodeId other = NodeId::generate();
    fs::copy_file(ours.configFile(id), ours.layout.recordFile(id, other));
    const auto registry = ours.keeper()->load();
    CHECK(registry->find(id)->heldBack == 0);
    CHECK(RecordsFixture::finds(*registry, "not of " + other.str()));
}

TEST_CASE("both nodes' statements unite, whichever way files are copied") {
    RecordsFixture first;
    RecordsFixture second;
    auto a = first.keeper("a");
    a->load();
    const MailboxId id = a->create(RecordsFixture::wanted("Archive"))->id;
    copyConfig(first, second);
    auto b = second.keeper("b");
    b->load();
    trust(first, second);
    b->setStatus(id, MailboxStatus::Suspended);
    a->describe(id, "By the first", "");
    copyConfig(second, first);  // an old file of the first goes over its newer one
    first.now += std::chrono::seconds(61);
    a->load();
    copyConfig(first, second);
    copyConfig(second, first);
    const auto left = first.keeper("a")->load()->find(id);
    const auto right = second.keeper("b")->load()->find(id);
    for (const auto& mailbox : {left, right}) {
        CHECK(mailbox->name == "By the first");
        CHECK(mailbox->status == MailboxStatus::Suspended);
        CHECK(mailbox->heldBack == 0);
    }
}

TEST_CASE("a cloned machine takes a new id, goes on trusting the old one, and says so") {
    RecordsFixture fixture;
    RecordsFixture::write(fixture.folder / "machine-id", "aaaa\n");
    auto keeper = fixture.keeper();
    keeper->load();
    const MailboxId id = keeper->create(RecordsFixture::wanted("Archive"))->id;
    const NodeId before = fixture.node().id();
    CHECK(fixture.node().id() == before);
    RecordsFixture::write(fixture.folder / "machine-id", "bbbb\n");
    std::string notice;
    const Node node = Node::loadOrMake(fixture.layout, "gw", notice, fixture.folder / "machine-id");
    CHECK(node.id() != before);
    CHECK(notice.find(before.str()) != std::string::npos);
    CHECK(notice.find(node.id().str()) != std::string::npos);
    auto clone = fixture.keeper();
    CHECK(clone->load()->find(id)->name == "Archive");
    CHECK(clone->describe(id, "By the clone", "")->name == "By the clone");
    fs::remove(fixture.folder / "machine-id");
    CHECK(fixture.node().id() == node.id());
}

TEST_CASE("a machine-id that appears later is written down, not judged") {
    RecordsFixture fixture;
    const NodeId id = fixture.node().id();
    RecordsFixture::write(fixture.folder / "machine-id", "aaaa\n");
    CHECK(fixture.node().id() == id);
    RecordsFixture::write(fixture.folder / "machine-id", "bbbb\n");
    CHECK(fixture.node().id() != id);
}

TEST_CASE("damaged files of node/ stop the start, and say what to do") {
    RecordsFixture fixture;
    fixture.node();
    const auto messageOf = [&fixture] {
        try {
            fixture.node();
            TrustedNodes::load(fixture.layout);
        } catch (const Error& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(messageOf().empty());
    const std::string good = RecordsFixture::read(fixture.layout.nodeFile());
    RecordsFixture::write(fixture.layout.nodeFile(), good.substr(0, good.size() / 2));
    CHECK(messageOf().find("damaged") != std::string::npos);
    RecordsFixture::write(fixture.layout.nodeFile(), "format = 2\n");
    CHECK(messageOf().find("newer Postern") != std::string::npos);
    RecordsFixture::write(fixture.layout.nodeFile(), "format = 1\nid = \"n-1\"\nkey = \"\"\n");
    CHECK(messageOf().find("move it away") != std::string::npos);
    RecordsFixture::write(fixture.layout.nodeFile(), good);
    RecordsFixture::write(fixture.layout.trustFile(), "format = 1\n[[trusted]]\nnode = 3\n");
    CHECK(messageOf().find("take that entry out") != std::string::npos);
}
