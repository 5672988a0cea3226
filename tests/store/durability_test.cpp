// When the directory store may say "durable": the order of its system calls, each of them failing
// once, and folders that many deliveries share.
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "tests/store/store_fixture.h"

namespace fs = std::filesystem;
using gateway::DirectoryStore;
using gateway::Error;
using gateway::MessageId;
using gateway::octetsOf;

namespace {

std::ptrdiff_t placeOfDataSync(const std::vector<std::string>& calls, const fs::path& folder) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
        if (calls[i].starts_with("fsync " + folder.native() + "/")) {
            return static_cast<std::ptrdiff_t>(i);
        }
    }
    return -1;
}

/// A place where threads wait until the test lets them go on.
class Gate {
public:
    void pass() {
        std::unique_lock lock(m_mutex);
        ++m_waiting;
        m_changed.notify_all();
        m_changed.wait(lock, [this] { return m_open; });
    }
    void awaitOne() {
        std::unique_lock lock(m_mutex);
        m_changed.wait(lock, [this] { return m_waiting > 0; });
    }
    void open() {
        const std::lock_guard lock(m_mutex);
        m_open = true;
        m_changed.notify_all();
    }

private:
    std::mutex m_mutex;
    std::condition_variable m_changed;
    int m_waiting = 0;
    bool m_open = false;
};

}  // namespace

TEST_CASE("data, name and every new folder are synced in this order before commit returns") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    std::vector<std::string> first;
    MessageId id = MessageId::generate();
    {
        const shim::Watch watch;
        id = fixture.deliver(store);
        first = watch.calls();
    }
    const auto link = placeOf(first, "link " + (drop / id.str()).native());
    REQUIRE(link >= 0);
    for (fs::path made = drop; made != fixture.layout.data(); made = made.parent_path()) {
        CAPTURE(made);
        const auto mkdir = placeOf(first, "mkdir " + made.native());
        REQUIRE(mkdir >= 0);
        CHECK(placeOf(first, "fsync " + made.parent_path().native(), mkdir) > mkdir);
    }
    const auto data = placeOfDataSync(first, drop);
    CHECK(data >= 0);
    CHECK(data < link);
    CHECK(placeOf(first, "fsync " + drop.native(), link) > link);

    const shim::Watch watch;
    id = fixture.deliver(store);
    const auto second = watch.calls();
    CHECK(placeOf(second, "fsync " + fixture.layout.data().native()) < 0);
    CHECK(placeOf(second, "fsync " + drop.parent_path().native()) < 0);
    const auto secondLink = placeOf(second, "link " + (drop / id.str()).native());
    CHECK(placeOfDataSync(second, drop) < secondLink);
    CHECK(placeOf(second, "fsync " + drop.native(), secondLink) > secondLink);
}

TEST_CASE("folders that another process made are synced in their parents once") {
    const StoreFixture fixture;
    {
        DirectoryStore before(fixture.layout);
        fixture.deliver(before);
    }
    DirectoryStore store(fixture.layout);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    const shim::Watch watch;
    fixture.deliver(store);
    fixture.deliver(store);
    const auto calls = watch.calls();
    for (fs::path made = drop; made != fixture.layout.data(); made = made.parent_path()) {
        CAPTURE(made);
        CHECK(std::count(calls.begin(), calls.end(), "fsync " + made.parent_path().native()) == 1);
    }
}

TEST_CASE("a folder put in the place of a known one is synced in its parent again") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    fixture.deliver(store);
    const fs::path mailbox = fixture.layout.mailbox(fixture.mailbox);
    fs::rename(mailbox, fixture.folder / "away");
    fs::copy(fixture.folder / "away", mailbox, fs::copy_options::recursive);
    const shim::Watch watch;
    fixture.deliver(store);
    const auto calls = watch.calls();
    CHECK(placeOf(calls, "fsync " + fixture.layout.mailboxes().native()) >= 0);
    CHECK(placeOf(calls, "fsync " + mailbox.native()) >= 0);
    CHECK(fixture.listed(store).size() == 2);
}

TEST_CASE("whichever call of a delivery fails, nothing is listed, and the next delivery succeeds") {
    bool failed = true;
    for (unsigned n = 1; failed; ++n) {
        REQUIRE(n < 60);
        CAPTURE(n);
        const StoreFixture fixture;
        DirectoryStore store(fixture.layout);
        {
            const shim::Watch watch(shim::failNth(n, EIO));
            try {
                fixture.deliver(store);
                failed = false;
            } catch (const Error&) {
            }
        }
        if (failed) {
            CHECK(fixture.listed(store).empty());
            CHECK(fixture.files().empty());
        }
        fixture.deliver(store);
        CHECK(fixture.listed(store).size() == (failed ? 1 : 2));
    }
}

TEST_CASE("a message that can neither be made durable nor taken away stays hidden") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    const MessageId good = fixture.deliver(store);
    {
        const shim::Watch watch([&](const std::string& call) {
            return call == "fsync " + drop.native() || call.starts_with("unlink ") ? EROFS : 0;
        });
        CHECK_THROWS_AS(fixture.deliver(store), const Error&);
    }
    CHECK(fixture.files().size() == 2);
    CHECK(fixture.listed(store) == std::vector{good});
}

TEST_CASE("after a failed folder sync that descriptor is not tried again, a new one is opened") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    const auto held = store.begin(fixture.drop(), MessageId::generate());
    held->append(octetsOf(StoreFixture::sealed(1)));
    {
        const shim::Watch watch(
            [&](const std::string& call) { return call == "fsync " + drop.native() ? EIO : 0; });
        CHECK_THROWS_AS(fixture.deliver(store), const Error&);
    }
    const shim::Watch watch;
    CHECK_THROWS_AS(held->commit(), const Error&);
    CHECK(placeOf(watch.calls(), "fsync " + drop.native()) < 0);
    CHECK(fixture.files().empty());
    fixture.deliver(store);
    CHECK(placeOf(watch.calls(), "open " + drop.native()) >= 0);
    CHECK(fixture.listed(store).size() == 1);
}

TEST_CASE("a message is visible only after its folder was synced") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId before = fixture.deliver(store);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    const MessageId id = MessageId::generate();
    Gate gate;
    const shim::Watch watch([&](const std::string& call) {
        if (call == "fsync " + drop.native()) {
            gate.pass();
        }
        return 0;
    });
    std::thread delivery([&] {
        const auto incoming = store.begin(fixture.drop(), id);
        incoming->append(octetsOf(StoreFixture::sealed(1)));
        incoming->commit();
    });
    gate.awaitOne();
    const bool linked = fs::exists(drop / id.str());
    const auto meanwhile = fixture.listed(store);
    const bool opened = store.open(fixture.drop(), id) != nullptr;
    gate.open();
    delivery.join();
    CHECK(linked);
    CHECK(meanwhile == std::vector{before});
    CHECK_FALSE(opened);
    CHECK(fixture.listed(store) == std::vector{before, id});
}

TEST_CASE("a shared sync counts only for names given before it began") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    fixture.deliver(store);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    Gate gate;
    std::atomic<bool> first{true};
    std::atomic<bool> secondSynced{false};
    const MessageId late = MessageId::generate();
    const shim::Watch watch([&](const std::string& call) {
        if (call == "fsync " + drop.native()) {
            if (first.exchange(false)) {
                gate.pass();
            } else {
                secondSynced = true;
            }
        } else if (call.starts_with("link ") && call.ends_with(late.str())) {
            gate.open();  // the first sync runs already: it may miss this name
        }
        return 0;
    });
    std::thread early([&] { fixture.deliver(store); });
    gate.awaitOne();
    const auto incoming = store.begin(fixture.drop(), late);
    incoming->append(octetsOf(StoreFixture::sealed(1)));
    incoming->commit();
    CHECK(secondSynced);
    early.join();
}

TEST_CASE("deliveries that wait at the same time share one folder sync") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    fixture.deliver(store);
    gateway::DropFolder folder(fixture.layout.drop(fixture.drop()));
    constexpr int kWaiting = 7;
    Gate gate;
    std::atomic<int> syncs{0};
    const shim::Watch watch([&](const std::string& call) {
        if (call.starts_with("fsync ") && ++syncs == 1) {
            gate.pass();
        }
        return 0;
    });
    std::thread first([&folder] { folder.sync(); });
    gate.awaitOne();
    std::vector<std::thread> others;
    for (int i = 0; i < kWaiting; ++i) {
        others.emplace_back([&folder] { folder.sync(); });
    }
    while (folder.waiting() < kWaiting) {
        std::this_thread::yield();
    }
    gate.open();
    first.join();
    for (std::thread& other : others) {
        other.join();
    }
    CHECK(syncs == 2);
}

TEST_CASE("many threads deliver at once, and each message is there") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    constexpr int kThreads = 8;
    constexpr int kEach = 20;
    std::vector<std::thread> threads;
    std::atomic<int> seen{0};
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            for (int j = 0; j < kEach; ++j) {
                const MessageId id = fixture.deliver(store);
                const auto ids = fixture.listed(store);
                seen += std::count(ids.begin(), ids.end(), id) == 1 ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(seen == kThreads * kEach);
    CHECK(fixture.listed(store).size() == kThreads * kEach);
}

TEST_CASE("a folder moved, removed or replaced underneath is never called durable") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const fs::path drop = fixture.layout.drop(fixture.drop());
    const auto incoming = store.begin(fixture.drop(), MessageId::generate());
    incoming->append(octetsOf(StoreFixture::sealed(1)));
    SUBCASE("moved") { fs::rename(drop, fixture.folder / "away"); }
    SUBCASE("its mailbox moved") {
        fs::rename(fixture.layout.mailbox(fixture.mailbox), fixture.folder / "away");
    }
    SUBCASE("removed") { fs::remove_all(drop); }
    SUBCASE("replaced") {
        fs::rename(drop, fixture.folder / "away");
        fs::create_directory(drop);
    }
    CHECK_THROWS_AS(incoming->commit(), const Error&);
    for (const auto& entry : fs::recursive_directory_iterator(fixture.folder.path())) {
        CHECK_FALSE(entry.is_regular_file());
    }
    const MessageId next = fixture.deliver(store);
    CHECK(fixture.listed(store) == std::vector{next});
}

TEST_CASE("a committed message can be taken back, durably") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId id = MessageId::generate();
    const auto incoming = store.begin(fixture.drop(), id);
    incoming->append(octetsOf(StoreFixture::sealed(1)));
    incoming->commit();
    const fs::path drop = fixture.layout.drop(fixture.drop());
    const shim::Watch watch;
    incoming->withdraw();
    CHECK(fixture.files().empty());
    const auto unlink = placeOf(watch.calls(), "unlink " + (drop / id.str()).native());
    CHECK(unlink >= 0);
    CHECK(placeOf(watch.calls(), "fsync " + drop.native(), unlink) > unlink);
}
