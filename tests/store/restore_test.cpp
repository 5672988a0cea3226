// Deleted messages that wait again: durably, or all is as it was; never over another file.
#include <cerrno>
#include <fstream>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "tests/base/crash.h"
#include "tests/store/store_fixture.h"

namespace fs = std::filesystem;
using gateway::DirectoryStore;
using gateway::Error;
using gateway::MessageId;
using gateway::Restoration;

namespace {

MessageId deliverAndRemove(const StoreFixture& fixture, DirectoryStore& store) {
    const MessageId id = fixture.deliver(store);
    store.remove(fixture.drop(), {{id}});
    return id;
}

/// The calls of a file system that knows no RENAME_NOREPLACE, where `renames` is false.
shim::Watch::Before onFileSystem(bool renames, shim::Watch::Before before) {
    return [renames, before = std::move(before)](const std::string& call) {
        const int error = before(call);
        return !renames && call.starts_with("rename ") ? EINVAL : error;
    };
}

}  // namespace

TEST_CASE(
    "a restored message is listed again, and its new name is synced before the old one goes") {
    for (const bool renames : {true, false}) {
        CAPTURE(renames);
        const StoreFixture fixture;
        DirectoryStore store(fixture.layout);
        const MessageId kept = fixture.deliver(store);
        const MessageId id = deliverAndRemove(fixture, store);
        const fs::path drop = fixture.layout.drop(fixture.drop());
        const shim::Watch watch(onFileSystem(renames, [](const std::string&) { return 0; }));
        CHECK(store.restore(fixture.drop(), id) == Restoration::Restored);
        const auto calls = watch.calls();
        const auto synced = placeOf(calls, "fsync " + drop.native());
        REQUIRE(synced >= 0);
        CHECK(placeOf(calls, "fsync " + (drop / "deleted").native()) > synced);
        const auto unlinked = placeOf(calls, "unlink " + (drop / "deleted" / id.str()).native());
        CHECK((renames ? unlinked < 0 : unlinked > synced));
        CHECK(fixture.listed(store) == std::vector{kept, id});
        CHECK(fixture.files().size() == 2);
        CHECK(store.listDeleted(fixture.drop()).empty());
        CHECK(store.restore(fixture.drop(), id) == Restoration::Waiting);
        store.remove(fixture.drop(), {{id}});
        CHECK(store.restore(fixture.drop(), id) == Restoration::Restored);
    }
}

TEST_CASE("what was never here or is purged is unknown") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    CHECK(store.restore(fixture.drop(), MessageId::generate()) == Restoration::Unknown);
    const MessageId waiting = fixture.deliver(store);
    CHECK(store.restore(fixture.drop(), waiting) == Restoration::Waiting);
    CHECK(store.restore(fixture.drop(), MessageId::generate()) == Restoration::Unknown);
    const MessageId id = deliverAndRemove(fixture, store);
    CHECK(store.restore(fixture.drop(), MessageId::generate()) == Restoration::Unknown);
    CHECK(store.purge(std::chrono::seconds(-1)) == 1);
    CHECK(store.restore(fixture.drop(), id) == Restoration::Unknown);
    CHECK(store.openDeleted(fixture.drop(), id) == nullptr);
}

TEST_CASE("no file is replaced, not even by one that comes at this moment") {
    for (const bool renames : {true, false}) {
        CAPTURE(renames);
        const StoreFixture fixture;
        DirectoryStore store(fixture.layout);
        const MessageId id = deliverAndRemove(fixture, store);
        const fs::path path = fixture.layout.message(fixture.drop(), id);
        {
            const shim::Watch watch(onFileSystem(renames, [&](const std::string& call) {
                if (call.starts_with("rename ")) {
                    std::ofstream(path) << "another";
                }
                return 0;
            }));
            CHECK(store.restore(fixture.drop(), id) == Restoration::Waiting);
        }
        CHECK(fs::file_size(path) == 7);
        CHECK(fs::file_size(fixture.layout.deletedMessage(fixture.drop(), id)) ==
              StoreFixture::sealed(100).size());
    }
}

TEST_CASE("a restored message is visible only after its folder was synced") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId id = deliverAndRemove(fixture, store);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    bool seen = true;
    {
        const shim::Watch watch([&](const std::string& call) {
            if (call == "fsync " + drop.native()) {
                seen = fs::exists(drop / id.str()) && !fixture.listed(store).empty();
            }
            return 0;
        });
        store.restore(fixture.drop(), id);
    }
    CHECK_FALSE(seen);
    CHECK(fixture.listed(store) == std::vector{id});
}

TEST_CASE("whichever call of a restoration fails, it throws, and the message stays restorable") {
    for (const bool renames : {true, false}) {
        bool failed = true;
        unsigned calls = 0;
        for (unsigned n = 1; failed; ++n) {
            REQUIRE(n < 40);
            CAPTURE(renames);
            CAPTURE(n);
            const StoreFixture fixture;
            DirectoryStore store(fixture.layout);
            const MessageId id = deliverAndRemove(fixture, store);
            {
                const shim::Watch watch(onFileSystem(renames, shim::failNth(n, EIO)));
                try {
                    const Restoration result = store.restore(fixture.drop(), id);
                    CHECK(result == Restoration::Restored);
                    failed = !renames && n < 10;  // a refused rename may have hidden the failure
                } catch (const Error&) {
                    CHECK(fixture.listed(store).empty());
                    CHECK(store.listDeleted(fixture.drop()).size() == 1);
                }
            }
            calls = n;
            CHECK(store.restore(fixture.drop(), id) != Restoration::Unknown);
            CHECK(fixture.listed(store) == std::vector{id});
            CHECK(fixture.files().size() == 1);
        }
        CHECK(calls >= 5);
    }
}

TEST_CASE("whichever call a process dies at, the message is there once more, whole") {
    for (const bool renames : {true, false}) {
        bool died = true;
        for (unsigned n = 1; died; ++n) {
            REQUIRE(n < 40);
            CAPTURE(n);
            const StoreFixture fixture;
            DirectoryStore store(fixture.layout);
            const MessageId id = deliverAndRemove(fixture, store);
            if (!renames) {  // as the fallback leaves it half-way
                fs::create_hard_link(fixture.layout.deletedMessage(fixture.drop(), id),
                                     fixture.layout.message(fixture.drop(), id));
                CHECK(store.restore(fixture.drop(), id) == Restoration::Waiting);
                store.remove(fixture.drop(), {{id}});
            }
            died = shim::diesAtNth(
                n, [&] { DirectoryStore(fixture.layout).restore(fixture.drop(), id); });
            DirectoryStore after(fixture.layout);
            after.sweep();
            CHECK(fixture.files().size() == 1);
            CHECK(after.restore(fixture.drop(), id) != Restoration::Unknown);
            CHECK(fixture.listed(after) == std::vector{id});
            CHECK(fs::file_size(fixture.layout.message(fixture.drop(), id)) ==
                  StoreFixture::sealed(100).size());
        }
    }
}

TEST_CASE("a message that can neither be made durable nor taken back stays hidden, until it is") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId id = deliverAndRemove(fixture, store);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    {
        const shim::Watch watch([&](const std::string& call) {
            return call == "fsync " + drop.native() || call.starts_with("link ") ? EROFS : 0;
        });
        CHECK_THROWS_AS(store.restore(fixture.drop(), id), const Error&);
    }
    CHECK(fs::exists(drop / id.str()));
    CHECK(fixture.listed(store).empty());
    CHECK(store.restore(fixture.drop(), id) == Restoration::Waiting);
    CHECK(fixture.listed(store) == std::vector{id});
}

TEST_CASE(
    "deleted messages are listed with the time they were deleted at; a message is read there") {
    const StoreFixture fixture;
    const auto before = std::chrono::system_clock::now();
    DirectoryStore store(fixture.layout);
    CHECK(store.listDeleted(fixture.drop()).empty());
    const MessageId second = fixture.deliver(store, 200);
    const MessageId first = deliverAndRemove(fixture, store);
    store.remove(fixture.drop(), {{second}});
    std::ofstream(fixture.layout.deleted(fixture.drop()) / "notes.txt") << "x";
    fs::create_directory(fixture.layout.deletedMessage(fixture.drop(), MessageId::generate()));
    const auto deleted = store.listDeleted(fixture.drop());
    REQUIRE(deleted.size() == 2);
    CHECK(deleted[0].id == second);
    CHECK(deleted[0].sealedSize == StoreFixture::sealed(200).size());
    CHECK(deleted[1].id == first);
    CHECK(deleted[1].deleted - before > std::chrono::seconds(-2));
    CHECK(deleted[1].deleted - before < std::chrono::minutes(1));
    CHECK(store.openDeleted(fixture.drop(), second)->size() == StoreFixture::sealed(200).size());
}

TEST_CASE("what is no plain file is not restored") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    deliverAndRemove(fixture, store);
    const MessageId id = MessageId::generate();
    fs::create_symlink("/etc/passwd", fixture.layout.deletedMessage(fixture.drop(), id));
    CHECK_THROWS_AS(store.restore(fixture.drop(), id), const Error&);
    CHECK_THROWS_AS(store.openDeleted(fixture.drop(), id), const Error&);
    CHECK(fixture.listed(store).empty());
}
