// What a keeper gives its twins, and takes from them: nothing counts that import() would not let
// count, and what does not count stays within its bounds.
#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "tests/mail/records_fixture.h"

namespace fs = std::filesystem;
using namespace gateway;

namespace {

/// A data directory and its keeper.
struct Party {
    explicit Party(const std::string& name) : keeper(fixture.keeper(name)) { keeper->load(); }
    NodeId id() const { return keeper->self().id(); }
    crypto::VerifyKey key() const { return keeper->self().key().verifyKey(); }
    MailboxId create(const std::string& name) {
        return keeper->create(RecordsFixture::wanted(name))->id;
    }
    std::size_t files() const {
        std::size_t count = 0;
        for (const auto& entry : fs::recursive_directory_iterator(fixture.layout.records())) {
            count += entry.is_regular_file() ? 1 : 0;
        }
        return count;
    }

    RecordsFixture fixture;
    std::unique_ptr<RegistryKeeper> keeper;
};

/// All of one keeper's files, as its twin gets them.
RegistryKeeper::Addition send(const Party& from, Party& to) {
    std::vector<Record> records;
    for (const auto& [key, digest] : from.keeper->current()->digests()) {
        const auto file = from.keeper->file(key);
        REQUIRE(file);
        records.emplace_back(key.mailbox).unite(*file);
    }
    return to.keeper->add(records);
}

void pairUp(Party& one, Party& other) {
    CHECK(one.keeper->trust(other.id(), other.key(), "paired"));
    CHECK(other.keeper->trust(one.id(), one.key(), "paired"));
}

std::string nameAt(const Party& party, const MailboxId& id) {
    const auto mailbox = party.keeper->current()->find(id);
    return mailbox ? mailbox->name : "";
}

}  // namespace

TEST_CASE("two that are paired come to the same digest, also over a restart") {
    Party one("gw1");
    Party other("gw2");
    const MailboxId mine = one.create("One");
    const MailboxId theirs = other.create("Other");
    pairUp(one, other);
    CHECK(one.keeper->current()->digest() != other.keeper->current()->digest());
    CHECK(send(one, other).statements == 4);
    CHECK(send(other, one).mailboxes == 1);
    one.keeper->describe(theirs, "Renamed", "");
    send(one, other);
    CHECK(nameAt(other, theirs) == "Renamed");
    CHECK(nameAt(other, mine) == "One");
    CHECK(one.keeper->current()->digest() == other.keeper->current()->digest());
    CHECK(send(one, other).statements == 0);
    const std::string before = one.keeper->current()->digest();
    CHECK(one.fixture.keeper("gw1")->load()->digest() == before);
}

TEST_CASE("what a node says that is not trusted is held back, and counts once it is") {
    Party ours("gw1");
    Party stranger("evil");
    const MailboxId id = ours.create("Archive");
    stranger.keeper->trust(ours.id(), ours.key(), "a stolen backup");
    send(ours, stranger);
    stranger.keeper->describe(id, "Redirected", "");
    stranger.keeper->addKey(id, crypto::Password("thief's"), {}, 10);
    const auto added = send(stranger, ours);
    CHECK(added.statements == 0);
    CHECK(added.heldBack == 1);
    CHECK(nameAt(ours, id) == "Archive");
    CHECK(ours.keeper->current()->find(id)->keys.size() == 1);
    CHECK(ours.keeper->current()->find(id)->heldBack == 2);
    CHECK(RecordsFixture::finds(*ours.keeper->current(), "does not trust node"));
    CHECK(send(stranger, ours).heldBack == 1);  // the same again changes nothing
    CHECK(ours.files() == 2);
    CHECK(ours.keeper->trust(stranger.id(), stranger.key(), "it was ours after all"));
    CHECK(nameAt(ours, id) == "Redirected");
    CHECK(ours.keeper->current()->find(id)->heldBack == 0);
}

TEST_CASE("a stranger's mailboxes are not even kept, and his files come to an end") {
    Party ours("gw1");
    const MailboxId id = ours.create("Archive");
    std::size_t kept = 0;
    for (int i = 0; i < 20; ++i) {
        Party stranger("evil");
        stranger.keeper->trust(ours.id(), ours.key(), "a stolen backup");
        send(ours, stranger);
        stranger.create("Foreign");
        stranger.keeper->describe(id, "Redirected", "");
        const auto added = send(stranger, ours);
        CHECK(added.heldBack + added.refused == 2);
        kept += added.heldBack;
    }
    CHECK(kept == 8);
    CHECK(ours.files() == 1 + 8);
    CHECK(ours.keeper->current()->mailboxes().size() == 1);
}

TEST_CASE("a file that is too large to be held back is not kept") {
    Party ours("gw1");
    const MailboxId id = ours.create("Archive");
    Party stranger("evil");
    stranger.keeper->trust(ours.id(), ours.key(), "a stolen backup");
    send(ours, stranger);
    for (int i = 0; i < 3; ++i) {
        stranger.keeper->describe(id, std::string(30'000, 'x'), "");
    }
    CHECK(send(stranger, ours).refused == 1);
    CHECK(ours.files() == 1);
}

TEST_CASE("nobody speaks in our name, nor in that of a node we know, with another key") {
    Party ours("gw1");
    const MailboxId id = ours.create("Archive");
    const crypto::SigningKey thief = crypto::SigningKey::generate();
    const std::string before = RecordsFixture::read(ours.fixture.layout.recordFile(id, ours.id()));
    NodeFile file(ours.id(), thief.verifyKey(), "gw1");
    file.add(Statement::make(id, ours.id(), thief, 99, WallTime(), "describe",
                             {{"name", "Redirected"}, {"description", ""}}));
    Record record(id);
    record.unite(file);
    const std::vector<Record> records{record};
    CHECK(ours.keeper->add(records).refused == 1);
    CHECK(nameAt(ours, id) == "Archive");
    CHECK(RecordsFixture::read(ours.fixture.layout.recordFile(id, ours.id())) == before);
    CHECK_FALSE(ours.keeper->trust(ours.id(), thief.verifyKey(), "never"));
}

TEST_CASE(
    "what we said ourselves comes back from a twin after a restore, and is said on from there") {
    Party one("gw1");
    Party other("gw2");
    pairUp(one, other);
    const MailboxId id = one.create("Archive");
    const auto older = one.fixture.folder / "older";
    fs::copy(one.fixture.layout.config(), older, fs::copy_options::recursive);
    const auto olderKnown = one.fixture.folder / "older-known";
    fs::copy(one.fixture.layout.knownRecords(), olderKnown, fs::copy_options::recursive);
    one.keeper->describe(id, "Renamed", "");
    send(one, other);
    fs::remove_all(one.fixture.layout.config());
    fs::copy(older, one.fixture.layout.config(), fs::copy_options::recursive);
    fs::remove_all(one.fixture.layout.knownRecords());
    fs::copy(olderKnown, one.fixture.layout.knownRecords(), fs::copy_options::recursive);
    one.keeper = one.fixture.keeper("gw1");
    one.keeper->load();
    CHECK(nameAt(one, id) == "Archive");
    send(other, one);
    CHECK(nameAt(one, id) == "Renamed");
    one.keeper->describe(id, "Again", "");
    send(one, other);
    CHECK(nameAt(other, id) == "Again");
}

TEST_CASE("who is trusted no more says nothing new, and what counted goes on counting") {
    Party one("gw1");
    Party other("gw2");
    pairUp(one, other);
    const MailboxId id = other.create("Archive");
    send(other, one);
    one.keeper->distrust(other.id());
    other.keeper->describe(id, "Renamed", "");
    CHECK(send(other, one).statements == 0);
    CHECK(nameAt(one, id) == "Archive");
    CHECK(one.fixture.keeper("gw1")->load()->find(id)->name == "Archive");
}
