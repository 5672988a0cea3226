// What an admin, a disk or a stranger may do to the records in config/, and what comes of it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "tests/mail/records_fixture.h"

namespace fs = std::filesystem;
using namespace gateway;

namespace {

/// A fixture with one mailbox, and what its file said before and after it was described.
class RepairFixture : public RecordsFixture {
public:
    RepairFixture() {
        running->load();
        id = running->create(wanted("First"))->id;
        file = configFile(id);
        early = read(file);
        running->describe(id, "Second", "");
        late = read(file);
    }

    /// Time passes until a file that was just written is no longer taken for a copy under way.
    void age() { now += std::chrono::seconds(61); }

    void expectRestored(const Registry& registry) const {
        REQUIRE(registry.find(id));
        CHECK(registry.find(id)->name == "Second");
        CHECK(read(file) == late);
    }

    std::unique_ptr<RegistryKeeper> running = keeper();
    MailboxId id = MailboxId::generate();
    fs::path file;  ///< of the node that made the mailbox, in config/
    std::string early;
    std::string late;
};

void replaceIn(const fs::path& path, const std::string& what, const std::string& with) {
    std::string text = RecordsFixture::read(path);
    REQUIRE(text.find(what) != std::string::npos);
    text.replace(text.find(what), what.size(), with);
    RecordsFixture::write(path, text);
}

}  // namespace

TEST_CASE("an old copy over a newer record loses nothing") {
    RepairFixture fixture;
    RecordsFixture::write(fixture.file, fixture.early);
    CHECK(fixture.running->changed());
    SUBCASE("the file is completed when it is surely no copy under way") {
        CHECK(fixture.running->load()->find(fixture.id)->name == "Second");
        CHECK(RecordsFixture::read(fixture.file) == fixture.early);
        CHECK_FALSE(fixture.running->changed());
        fixture.age();
        CHECK(fixture.running->changed());
        fixture.expectRestored(*fixture.running->load());
    }
    SUBCASE("the file is completed by what is said next") {
        CHECK(fixture.running->load()->find(fixture.id)->name == "Second");
        fixture.running->setStatus(fixture.id, MailboxStatus::Suspended);
        const std::string text = RecordsFixture::read(fixture.file);
        CHECK(text.find("\"Second\"") != std::string::npos);
        CHECK(text.find("\"suspended\"") != std::string::npos);
    }
    SUBCASE("at the next start") {
        fixture.age();
        fixture.expectRestored(*fixture.keeper()->load());
    }
}

TEST_CASE("a removed file or folder comes back from node/") {
    RepairFixture fixture;
    fs::remove(fixture.file);
    CHECK(fixture.running->changed());
    fixture.expectRestored(*fixture.running->load());
    fs::remove_all(fixture.layout.record(fixture.id));
    CHECK(fixture.running->changed());
    fixture.expectRestored(*fixture.running->load());
    fs::remove_all(fixture.layout.config());
    CHECK(fixture.running->changed());
    fixture.expectRestored(*fixture.running->load());
    fs::remove_all(fixture.layout.config());
    fixture.expectRestored(*fixture.keeper()->load());
}

TEST_CASE("a damaged copy in node/ is written anew from config/") {
    RepairFixture fixture;
    RecordsFixture::write(fixture.knownFile(fixture.id), fixture.late.substr(0, 700));
    auto restarted = fixture.keeper();
    CHECK(RecordsFixture::finds(*restarted->load(), fixture.knownFile(fixture.id).native()));
    fixture.expectRestored(*restarted->current());
    CHECK(RecordsFixture::read(fixture.knownFile(fixture.id)) == fixture.late);
    CHECK(fixture.keeper()->load()->findings().empty());
}

TEST_CASE("a statement that the disk has changed in node/ does not count, and is mended") {
    RepairFixture fixture;
    replaceIn(fixture.knownFile(fixture.id), "name = \"Second\"", "name = \"Secone\"");
    const auto registry = fixture.keeper()->load();
    fixture.expectRestored(*registry);
    CHECK(RecordsFixture::finds(*registry, "the disk may be failing"));
    CHECK(RecordsFixture::read(fixture.knownFile(fixture.id)) == fixture.late);
    CHECK(fixture.keeper()->load()->findings().empty());
}

TEST_CASE("node/ may be lost: a restored config/ is taken over by a node that has nothing else") {
    RepairFixture fixture;
    fs::remove_all(fixture.layout.node());
    auto fresh = fixture.keeper();
    fixture.expectRestored(*fresh->load());
    CHECK(fs::exists(fixture.layout.trustFile()));
    CHECK(fresh->setStatus(fixture.id, MailboxStatus::Suspended)->name == "Second");
    const auto again = fixture.keeper()->load();
    CHECK(again->find(fixture.id)->status == MailboxStatus::Suspended);
    CHECK(again->findings().empty());
}

TEST_CASE("a damaged record is kept aside, and the last known good one put in its place") {
    RepairFixture fixture;
    const fs::path& file = fixture.file;
    const std::string damaged = fixture.late.substr(0, fixture.late.size() / 2);
    RecordsFixture::write(file, damaged);
    SUBCASE("but not while it may still be on its way") {
        const auto registry = fixture.running->load();
        CHECK(registry->find(fixture.id)->name == "Second");
        CHECK(RecordsFixture::finds(*registry, "not complete"));
        CHECK(RecordsFixture::read(file) == damaged);
        CHECK_FALSE(fixture.running->changed());
        RecordsFixture::write(file, fixture.late);
        CHECK(fixture.running->changed());
        CHECK(fixture.running->load()->findings().empty());
    }
    SUBCASE("after a minute, by itself") {
        fixture.running->load();
        fixture.age();
        CHECK(fixture.running->changed());
        const auto registry = fixture.running->load();
        fixture.expectRestored(*registry);
        CHECK(RecordsFixture::finds(*registry, "kept as " + file.native() + ".damaged-1"));
        CHECK(RecordsFixture::read(file.native() + ".damaged-1") == damaged);
        CHECK_FALSE(fixture.running->changed());
    }
    SUBCASE("at the next start, and a second time beside the first") {
        fixture.age();
        fixture.expectRestored(*fixture.keeper()->load());
        RecordsFixture::write(file, "format = 1\n");
        fixture.age();
        fixture.expectRestored(*fixture.keeper()->load());
        CHECK(fs::exists(file.native() + ".damaged-1"));
        CHECK(fs::exists(file.native() + ".damaged-2"));
        CHECK(fixture.keeper()->load()->findings().empty());
    }
}

TEST_CASE("a statement that was tampered with does not count, the others do") {
    RepairFixture fixture;
    const fs::path& file = fixture.file;
    replaceIn(file, "name = \"Second\"", "name = \"Forged\"");
    fixture.age();
    const auto registry = fixture.running->load();
    CHECK(registry->find(fixture.id)->name == "Second");
    CHECK(registry->find(fixture.id)->heldBack == 1);
    CHECK(RecordsFixture::finds(*registry, "the signature is not that of the node"));
    CHECK(RecordsFixture::read(file).find("name = \"Second\"") != std::string::npos);
    fs::remove_all(fixture.layout.knownRecords());
    CHECK(fixture.keeper()->load()->find(fixture.id)->name == "Second");
}

TEST_CASE("a forged signature in config/ does not replace the good one") {
    RepairFixture fixture;
    const fs::path& file = fixture.file;
    const std::size_t at = fixture.late.rfind("signature = \"") + 13;
    std::string forged = fixture.late;
    forged.replace(at, 6, "AAAAAA");
    RecordsFixture::write(file, forged);
    fixture.age();
    fixture.running->load();
    CHECK(RecordsFixture::read(file) == fixture.late);
    CHECK(fixture.keeper()->load()->findings().empty());
}

TEST_CASE("a malformed statement is named, the others count, and the file is kept aside") {
    RepairFixture fixture;
    const fs::path& file = fixture.file;
    replaceIn(file, "kind = \"status\"", "kind = 5");
    CHECK(RecordsFixture::finds(*fixture.running->load(), "if it is being copied"));
    fixture.age();
    const auto registry = fixture.running->load();
    fixture.expectRestored(*registry);
    CHECK(RecordsFixture::finds(*registry, "`kind` is missing or no text"));
    CHECK(fs::exists(file.native() + ".damaged-1"));
}

TEST_CASE("a record of a newer format is left untouched and named") {
    RepairFixture fixture;
    const fs::path& file = fixture.file;
    replaceIn(file, "format = 1", "format = 2");
    const std::string newer = RecordsFixture::read(file);
    fixture.age();
    const auto registry = fixture.running->load();
    CHECK(registry->find(fixture.id)->name == "Second");
    CHECK(RecordsFixture::finds(*registry, "a newer Postern wrote it"));
    CHECK(RecordsFixture::read(file) == newer);
    CHECK_THROWS_AS(fixture.running->describe(fixture.id, "x", ""), const Error&);
    CHECK(RecordsFixture::read(file) == newer);
    replaceIn(fixture.knownFile(fixture.id), "format = 1", "format = 2");
    const std::string newerKnown = RecordsFixture::read(fixture.knownFile(fixture.id));
    auto restarted = fixture.keeper();
    CHECK(restarted->load()->unreadable(fixture.id));
    CHECK_FALSE(restarted->current()->find(fixture.id));
    CHECK(RecordsFixture::read(fixture.knownFile(fixture.id)) == newerKnown);
    auto same = RecordsFixture::wanted("Same");
    same.address = fixture.id;
    CHECK_THROWS_AS(restarted->create(std::move(same)), const Error&);
}

TEST_CASE("one damaged record takes no other down, whatever is in it") {
    RepairFixture fixture;
    const MailboxId other = fixture.running->create(RecordsFixture::wanted("Other"))->id;
    const std::vector<std::string> contents{
        "",
        "\xff\xfe",
        std::string(5U << 20U, 'x'),
        "a" + std::string(100'000, '[') + "\n",
        "format = 1\nnode = 5\n",
        "format = 1\nstatement = 3\n",
        "format = 'x'\n",
        "format = 1\nnode = \"" + fixture.node().id().str() + "\"\nnode_key = \"" +
            fixture.node().key().verifyKey().str() + "\"\nstatement = [1, 2, [3]]\n"};
    for (const std::string& content : contents) {
        CAPTURE(content.substr(0, 40));
        RecordsFixture::write(fixture.file, content);
        fixture.age();
        const auto registry = fixture.keeper()->load();
        fixture.expectRestored(*registry);
        CHECK(registry->find(other));
        CHECK(RecordsFixture::finds(*registry, fixture.file.native()));
    }
}

TEST_CASE("what is no record is named and left alone") {
    RepairFixture fixture;
    RecordsFixture::write(fixture.layout.records() / "notes.txt", "x");
    RecordsFixture::write(fixture.layout.record(fixture.id) / "copy of.toml", "x");
    RecordsFixture::write(fixture.layout.record(fixture.id) / ".postern-tmp-0011", "x");
    const NodeId stranger = NodeId::generate();
    REQUIRE(::mkfifo(fixture.layout.recordFile(fixture.id, stranger).c_str(), 0600) == 0);
    fs::create_directory(fixture.layout.record(MailboxId::generate()));
    fs::create_directory(fixture.layout.records() / "MBX-0123456789ABCDEF0123456789ABCDEF");
    const auto registry = fixture.keeper()->load();
    CHECK(registry->find(fixture.id));
    CHECK(registry->mailboxes().size() == 1);
    CHECK(registry->findings().size() == 4);
    for (const char* name : {"notes.txt", "copy of.toml", "MBX-"}) {
        CHECK(RecordsFixture::finds(*registry, name));
    }
    CHECK(RecordsFixture::finds(*registry, stranger.str()));
}

TEST_CASE("a mailbox whose only record cannot be used is unreadable, not unknown") {
    RepairFixture fixture;
    fs::remove_all(fixture.layout.knownRecords() / fixture.id.str());
    RecordsFixture::write(fixture.file, fixture.late.substr(0, 700));
    fixture.age();
    auto restarted = fixture.keeper();
    const auto registry = restarted->load();
    CHECK_FALSE(registry->find(fixture.id));
    CHECK(registry->unreadable(fixture.id));
    RecordsFixture::write(fixture.file, fixture.late);
    CHECK(restarted->changed());
    CHECK(restarted->load()->find(fixture.id)->name == "Second");
    CHECK_FALSE(restarted->current()->unreadable(fixture.id));
}

TEST_CASE("a file of another owner is named with the line that mends it") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: needs root to make files of another owner");
        return;
    }
    constexpr uid_t kNobody = 65534;
    RepairFixture fixture;
    const fs::path& file = fixture.file;
    for (const auto& entry : fs::recursive_directory_iterator(fixture.folder.path())) {
        REQUIRE(::lchown(entry.path().c_str(), kNobody, kNobody) == 0);
    }
    REQUIRE(::chown(fixture.folder.path().c_str(), kNobody, kNobody) == 0);
    REQUIRE(::chown(file.c_str(), 0, 0) == 0);
    auto keeper = fixture.keeper();
    REQUIRE(::seteuid(kNobody) == 0);
    const auto registry = keeper->load();
    REQUIRE(::seteuid(0) == 0);
    CHECK(registry->find(fixture.id)->name == "Second");
    CHECK(RecordsFixture::finds(*registry, "chown nobody:nogroup " + file.native()));
    REQUIRE(::chown(file.c_str(), kNobody, kNobody) == 0);
    CHECK(keeper->changed());
    CHECK(keeper->load()->findings().empty());

    REQUIRE(::chown(fixture.layout.knownRecords().c_str(), 0, 0) == 0);
    auto blind = fixture.keeper();
    REQUIRE(::seteuid(kNobody) == 0);
    CHECK_THROWS_AS(blind->load(), const Error&);
    REQUIRE(::seteuid(0) == 0);
    REQUIRE(::chown(fixture.layout.nodeFile().c_str(), 0, 0) == 0);
    REQUIRE(::seteuid(kNobody) == 0);
    CHECK_THROWS_AS(fixture.node(), const Error&);
    REQUIRE(::seteuid(0) == 0);
}

TEST_CASE("only what others change counts as changed, also within one tick of the clock") {
    RepairFixture fixture;
    CHECK_FALSE(fixture.running->changed());
    fixture.now += std::chrono::seconds(3);
    CHECK_FALSE(fixture.running->changed());
    CHECK_FALSE(fixture.running->changed());
    const fs::path& file = fixture.file;

    SUBCASE("by stat calls only") {
        const shim::Watch watch;
        CHECK_FALSE(fixture.running->changed());
        CHECK(watch.calls().empty());
    }
    SUBCASE("a new folder") {
        fs::create_directory(fixture.layout.records() / "new");
        CHECK(fixture.running->changed());
    }
    SUBCASE("a new file") {
        RecordsFixture::write(fixture.layout.record(fixture.id) / "new", "");
        CHECK(fixture.running->changed());
    }
    SUBCASE("a change of the mode") {
        REQUIRE(::chmod(file.c_str(), 0640) == 0);
        CHECK(fixture.running->changed());
    }
    SUBCASE("a file put back with its old time") {
        const auto time = fs::last_write_time(file);
        RecordsFixture::write(file, fixture.late);
        fs::last_write_time(file, time);
        CHECK(fixture.running->changed());
    }
}
