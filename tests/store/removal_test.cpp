// Deleting: moved aside durably or not at all, restorable for a while, then gone.
#include <cerrno>
#include <fstream>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "tests/store/store_fixture.h"

namespace fs = std::filesystem;
using gateway::DirectoryStore;
using gateway::Error;
using gateway::MessageId;

namespace {

/// Returns when a file that is changed now gets another time than one that was changed before: the
/// kernel's clock for files goes in ticks.
void awaitLaterTime(const StoreFixture& fixture) {
    const auto now = [&fixture] {
        const fs::path file = fixture.folder / "tick";
        std::ofstream(file) << "x";
        return fs::last_write_time(file);
    };
    const auto before = now();
    while (now() == before) {
    }
}

}  // namespace

TEST_CASE("removed messages lie in deleted/, and both folders are synced before remove returns") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId gone = fixture.deliver(store);
    const MessageId kept = fixture.deliver(store);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    const shim::Watch watch;
    store.remove(fixture.drop(), {{gone}});
    const auto calls = watch.calls();
    const auto move = placeOf(calls, "rename " + (drop / gone.str()).native() + " " +
                                         (drop / "deleted" / gone.str()).native());
    REQUIRE(move >= 0);
    CHECK(placeOf(calls, "fsync " + drop.native(), move) > move);
    CHECK(placeOf(calls, "fsync " + (drop / "deleted").native(), move) > move);
    CHECK(fixture.listed(store) == std::vector{kept});
    CHECK(fs::exists(fixture.layout.deletedMessage(fixture.drop(), gone)));
}

TEST_CASE("deleted/ itself is durable before a message's only name lies in it") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId id = fixture.deliver(store);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    const shim::Watch watch;
    store.remove(fixture.drop(), {{id}});
    const auto calls = watch.calls();
    const auto made = placeOf(calls, "mkdir " + (drop / "deleted").native());
    const auto move = placeOf(calls, "rename " + (drop / id.str()).native() + " " +
                                         (drop / "deleted" / id.str()).native());
    REQUIRE(made >= 0);
    const auto synced = placeOf(calls, "fsync " + drop.native(), made);
    CHECK(synced > made);
    CHECK(synced < move);
}

TEST_CASE("messages that are gone already count as removed") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    store.remove(fixture.drop(), {{MessageId::generate()}});
    const MessageId id = fixture.deliver(store);
    const std::vector ids{MessageId::generate(), id};
    store.remove(fixture.drop(), ids);
    store.remove(fixture.drop(), ids);
    CHECK(fixture.listed(store).empty());
}

TEST_CASE("a message restored by a copy can be removed again") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId id = fixture.deliver(store);
    store.remove(fixture.drop(), {{id}});
    fs::copy_file(fixture.layout.deletedMessage(fixture.drop(), id),
                  fixture.layout.message(fixture.drop(), id));
    REQUIRE(fixture.listed(store) == std::vector{id});
    store.remove(fixture.drop(), {{id}});
    CHECK(fixture.listed(store).empty());
    CHECK(fixture.files().size() == 1);
}

TEST_CASE("whichever call of a removal fails, it throws, and all messages stay") {
    for (const bool renames : {true, false}) {
        bool failed = true;
        for (unsigned n = 1; failed; ++n) {
            REQUIRE(n < 60);
            CAPTURE(renames);
            CAPTURE(n);
            const StoreFixture fixture;
            DirectoryStore store(fixture.layout);
            const std::vector ids{fixture.deliver(store), fixture.deliver(store),
                                  fixture.deliver(store)};
            {
                auto fail = shim::failNth(n, EIO);
                const shim::Watch watch([&](const std::string& call) {
                    const int error = fail(call);
                    return !renames && call.starts_with("rename ") ? EINVAL : error;
                });
                try {
                    store.remove(fixture.drop(), ids);
                    failed = !renames && n < 20;  // a refused rename may have hidden the failure
                } catch (const Error&) {
                    CHECK(fixture.listed(store) == ids);
                }
            }
            store.remove(fixture.drop(), ids);
            CHECK(fixture.listed(store).empty());
        }
    }
}

TEST_CASE("a folder replaced during the removal is not called removed") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId id = fixture.deliver(store);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    const shim::Watch watch([&](const std::string& call) {
        if (call.starts_with("mkdir ")) {
            fs::copy(drop, fixture.folder / "away", fs::copy_options::recursive);
        } else if (call.starts_with("rename ")) {
            fs::rename(drop, fixture.folder / "old");
            fs::rename(fixture.folder / "away", drop);
        }
        return 0;
    });
    CHECK_THROWS_AS(store.remove(fixture.drop(), {{id}}), const Error&);
}

TEST_CASE("deleted messages are kept for a while, then purged, a batch at a time") {
    const StoreFixture fixture;
    auto now = std::chrono::system_clock::now();
    DirectoryStore store(fixture.layout, [&now] { return now; });
    const MessageId waiting = fixture.deliver(store);
    const MessageId id = fixture.deliver(store);
    // A file that was old when it was deleted is kept as long as any other.
    fs::last_write_time(fixture.layout.message(fixture.drop(), id),
                        fs::file_time_type::clock::now() - std::chrono::hours(1000));
    store.remove(fixture.drop(), {{id}});
    std::ofstream(fixture.layout.deleted(fixture.drop()) / "notes.txt") << "x";
    now += std::chrono::hours(23);
    CHECK(store.purge(std::chrono::hours(24)) == 0);
    now += std::chrono::hours(2);
    CHECK(store.purge(std::chrono::hours(24)) == 1);
    CHECK(fixture.listed(store) == std::vector{waiting});
    CHECK(fs::exists(fixture.layout.deleted(fixture.drop()) / "notes.txt"));
    for (std::size_t i = 0; i < DirectoryStore::kPurgeBatch + 1; ++i) {
        std::ofstream(fixture.layout.deletedMessage(fixture.drop(), MessageId::generate())) << "x";
    }
    CHECK(store.purge(std::chrono::seconds(0)) == DirectoryStore::kPurgeBatch);
    CHECK(store.purge(std::chrono::seconds(0)) == 1);
    CHECK(store.purge(std::chrono::seconds(0)) == 0);
}

TEST_CASE("where space is short those deleted first go first, and only as many as are needed") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    std::vector<MessageId> ids;
    for (int i = 0; i < 4; ++i) {
        ids.push_back(fixture.deliver(store, 100'000));
    }
    // Not in order of arrival: by the time of their deletion.
    for (const std::size_t i : {2UL, 0UL, 3UL}) {
        store.remove(fixture.drop(), {{ids[i]}});
        awaitLaterTime(fixture);
    }
    CHECK(store.purgeOldest(0).messages == 0);
    const auto purged = store.purgeOldest(100'001);  // more than one has, less than two
    CHECK(purged.messages == 1);
    CHECK(purged.octets >= 100'000);
    const auto left = store.listDeleted(fixture.drop());
    REQUIRE(left.size() == 2);
    CHECK(left[0].id == ids[0]);
    CHECK(left[1].id == ids[3]);
    CHECK(store.purgeOldest(UINT64_MAX).messages == 2);
    CHECK(store.purgeOldest(UINT64_MAX).messages == 0);
    CHECK(fixture.listed(store) == std::vector{ids[1]});
}

TEST_CASE("what a removal under way may have to take back is not purged") {
    const StoreFixture fixture;
    const auto now = std::chrono::system_clock::now() + std::chrono::hours(1);
    DirectoryStore store(fixture.layout, [now] { return now; });
    const MessageId id = fixture.deliver(store);
    std::size_t purged = 0;
    {
        const shim::Watch watch([&](const std::string& call) {
            if (call.starts_with("fsync ")) {
                purged += store.purgeOldest(UINT64_MAX).messages;
                purged += store.purge(std::chrono::seconds(0));
                return call.ends_with("/deleted") ? EIO : 0;
            }
            return 0;
        });
        CHECK_THROWS_AS(store.remove(fixture.drop(), {{id}}), const Error&);
    }
    CHECK(purged == 0);
    CHECK(fixture.listed(store) == std::vector{id});
    store.remove(fixture.drop(), {{id}});
    CHECK(store.purge(std::chrono::seconds(0)) == 1);
}

TEST_CASE("what cannot be purged keeps nothing else from it, and is said") {
    const StoreFixture fixture;
    auto now = std::chrono::system_clock::now() + std::chrono::hours(25);
    DirectoryStore store(fixture.layout, [&now] { return now; });
    const StoreFixture other;
    const gateway::Drop second(other.mailbox, other.key.sealKey());
    const MessageId id = fixture.deliver(store);
    store.remove(fixture.drop(), {{id}});
    const auto incoming = store.begin(second, id);
    incoming->append(gateway::octetsOf(StoreFixture::sealed(1)));
    incoming->commit();
    store.remove(second, {{id}});
    const fs::path stuck = fixture.layout.deletedMessage(std::min(fixture.drop(), second), id);
    const shim::Watch watch(
        [&](const std::string& call) { return call == "unlink " + stuck.native() ? EPERM : 0; });
    try {
        store.purge(std::chrono::hours(24));
        FAIL("purged what could not be unlinked");
    } catch (const Error& error) {
        CHECK(std::string(error.what()).find("chown") != std::string::npos);
    }
    CHECK(fixture.files() == std::vector{stuck});
}
