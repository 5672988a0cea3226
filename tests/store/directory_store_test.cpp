// The directory store's promises: durable before it says so, visible only then, listed without
// opening, and nothing taken for a message that is none.
#include <cerrno>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "tests/store/store_fixture.h"

namespace fs = std::filesystem;
using gateway::DirectoryStore;
using gateway::Error;
using gateway::MessageId;
using gateway::octetsOf;

namespace {

std::string readAll(gateway::Outgoing& outgoing) {
    std::string text;
    std::array<std::byte, 777> buffer{};
    while (const std::size_t got = outgoing.read(buffer)) {
        text += gateway::textOf(std::span(buffer).first(got));
    }
    return text;
}

void writeFile(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
}

}  // namespace

TEST_CASE("what was committed is listed in order of arrival with its size, and reads back") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    CHECK(store.list(fixture.drop()).messages.empty());
    const MessageId first = fixture.deliver(store, 0);
    const MessageId second = fixture.deliver(store, 70'000);
    const auto listing = store.list(fixture.drop());
    REQUIRE(StoreFixture::idsOf(listing) == std::vector{first, second});
    CHECK(listing.messages[1].sealedSize == crypto::sealedSize(70'000));
    CHECK(listing.leftOut.empty());
    const auto outgoing = store.open(fixture.drop(), second);
    REQUIRE(outgoing);
    CHECK(outgoing->size() == crypto::sealedSize(70'000));
    store.remove(fixture.drop(), {{second}});
    CHECK(readAll(*outgoing) == StoreFixture::sealed(70'000));
    CHECK_FALSE(store.open(fixture.drop(), second));
    CHECK(fixture.listed(store) == std::vector{first});
}

TEST_CASE("files and folders are for their owner only") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId id = fixture.deliver(store);
    const auto modeOf = [](const fs::path& path) {
        struct stat found{};
        REQUIRE(::stat(path.c_str(), &found) == 0);
        return found.st_mode & 0777U;
    };
    CHECK(modeOf(fixture.layout.message(fixture.drop(), id)) == 0600);
    CHECK(modeOf(fixture.layout.drop(fixture.drop())) == 0700);
    CHECK(modeOf(fixture.layout.mailbox(fixture.mailbox)) == 0700);
}

TEST_CASE("what was not committed leaves nothing") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    {
        const auto incoming = store.begin(fixture.drop(), MessageId::generate());
        incoming->append(octetsOf("half"));
        CHECK(fixture.files().empty());
    }
    CHECK(fixture.files().empty());
}

TEST_CASE("a name that exists is never replaced") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId id = fixture.deliver(store, 10);
    const auto incoming = store.begin(fixture.drop(), id);
    incoming->append(octetsOf(StoreFixture::sealed(20)));
    CHECK_THROWS_AS(incoming->commit(), const Error&);
    CHECK(fixture.listed(store) == std::vector{id});
    CHECK(store.list(fixture.drop()).messages.at(0).sealedSize == crypto::sealedSize(10));
}

TEST_CASE("without the data directory nothing is accepted, and nothing made in its place") {
    const StoreFixture fixture;
    DirectoryStore store(gateway::Layout(fixture.folder / "not-mounted"));
    CHECK_THROWS_AS(store.begin(fixture.drop(), MessageId::generate()), const Error&);
    CHECK_FALSE(fs::exists(fixture.folder / "not-mounted"));
}

TEST_CASE("listing opens no message") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId id = fixture.deliver(store);
    const shim::Watch watch;
    CHECK(fixture.listed(store) == std::vector{id});
    for (const std::string& call : watch.calls()) {
        CHECK(call.find(id.str()) == std::string::npos);
    }
}

TEST_CASE("what is no message of ours is left out with a reason, or in silence where it is ours") {
    const StoreFixture fixture;
    auto now = std::chrono::system_clock::now();
    DirectoryStore store(fixture.layout, [&now] { return now; });
    const MessageId good = fixture.deliver(store);
    const fs::path folder = fixture.layout.drop(fixture.drop());
    const auto fresh = [] { return MessageId::generate().str(); };
    writeFile(folder / "notes.txt", "x");
    writeFile(folder / ".postern-tmp-0011", "x");
    fs::create_directory(folder / "deleted");
    const std::string cut = fresh();
    writeFile(folder / cut, std::string(crypto::sealedSize(0) - 1, 's'));
    const std::string link = fresh();
    fs::create_symlink(folder / good.str(), folder / link);
    const std::string directory = fresh();
    fs::create_directory(folder / directory);
    const std::string pipe = fresh();
    REQUIRE(::mkfifo((folder / pipe).c_str(), 0600) == 0);

    SUBCASE("at once what can be no slow copy") {
        const auto listing = store.list(fixture.drop());
        CHECK(StoreFixture::idsOf(listing) == std::vector{good});
        CHECK(listing.leftOut.size() == 3);
        CHECK_THROWS_AS(store.open(fixture.drop(), *MessageId::parse(link)), const Error&);
        CHECK_THROWS_AS(store.open(fixture.drop(), *MessageId::parse(pipe)), const Error&);
    }
    SUBCASE("after a minute also what was perhaps being copied") {
        now += std::chrono::seconds(62);
        const auto listing = store.list(fixture.drop());
        CHECK(StoreFixture::idsOf(listing) == std::vector{good});
        std::vector<std::string> names;
        for (const auto& left : listing.leftOut) {
            names.push_back(fs::path(left.path).filename());
            CHECK_FALSE(left.why.empty());
        }
        std::vector<std::string> expected{"notes.txt", cut, link, directory, pipe};
        std::sort(expected.begin(), expected.end());
        CHECK(names == expected);
    }
    SUBCASE("and judged again when it has changed") {
        now += std::chrono::seconds(62);
        std::ofstream(folder / cut, std::ios::app) << "s";
        CHECK(fixture.listed(store) == std::vector{good, *MessageId::parse(cut)});
    }
}

TEST_CASE("sweeping removes temporary names only, and syncs what a crash may have left") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const MessageId id = fixture.deliver(store);
    store.remove(fixture.drop(), {{fixture.deliver(store)}});
    const fs::path folder = fixture.layout.drop(fixture.drop());
    writeFile(folder / ".postern-tmp-0011", "x");
    writeFile(folder / "deleted" / ".postern-tmp-0022", "x");
    writeFile(folder / "notes.txt", "x");
    fs::create_directory(fixture.layout.mailboxes() / "lost+found");
    const shim::Watch watch;
    CHECK(store.sweep() == 2);
    CHECK(fixture.listed(store) == std::vector{id});
    CHECK(fixture.files().size() == 3);
    const auto calls = watch.calls();
    const auto syncs = std::count_if(calls.begin(), calls.end(), [](const std::string& call) {
        return call.starts_with("syncfs ");
    });
    CHECK(syncs == 1);
}

TEST_CASE("files of another owner are named with the line that mends it") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: needs root to make files of another owner");
        return;
    }
    constexpr uid_t kNobody = 65534;
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    REQUIRE(::chown(fixture.folder.path().c_str(), kNobody, kNobody) == 0);
    REQUIRE(::seteuid(kNobody) == 0);
    const MessageId ours = fixture.deliver(store);
    REQUIRE(::seteuid(0) == 0);
    const MessageId theirs = fixture.deliver(store);
    REQUIRE(::seteuid(kNobody) == 0);
    const fs::path folder = fixture.layout.drop(fixture.drop());
    const auto listing = store.list(fixture.drop());
    std::string said;
    try {
        store.open(fixture.drop(), theirs);
    } catch (const Error& error) {
        CHECK(error.kind() == Error::Kind::Permission);
        said = error.what();
    }
    REQUIRE(::seteuid(0) == 0);
    const auto saidWhileRootOwns = [&](const fs::path& path) {
        REQUIRE(::chown(path.c_str(), 0, 0) == 0);
        REQUIRE(::seteuid(kNobody) == 0);
        std::string text;
        try {
            store.list(fixture.drop());
        } catch (const Error& error) {
            text = error.what();
        }
        REQUIRE(::seteuid(0) == 0);
        return text;
    };
    const std::string saidOfFolder = saidWhileRootOwns(folder);
    const std::string saidOfMailbox = saidWhileRootOwns(folder.parent_path());
    CHECK(StoreFixture::idsOf(listing) == std::vector{ours});
    REQUIRE(listing.leftOut.size() == 1);
    const std::string line = "chown nobody:nogroup " + (folder / theirs.str()).native();
    CHECK(listing.leftOut[0].why.find(line) != std::string::npos);
    CHECK(said.find(line) != std::string::npos);
    CHECK(saidOfFolder.find("chown -R nobody:nogroup " + folder.native() + "`") !=
          std::string::npos);
    CHECK(saidOfMailbox.find("chown -R nobody:nogroup " + folder.parent_path().native() + "`") !=
          std::string::npos);
}
