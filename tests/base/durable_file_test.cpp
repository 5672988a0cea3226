// A durable file is there whole or not at all, in the directory it was made in, whichever of its
// system calls fails.
#include "gateway/base/durable_file.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "tests/base/syscall_shim.h"
#include "tests/base/temporary_folder.h"

namespace fs = std::filesystem;
using gateway::DurableFile;
using gateway::Error;
using gateway::octetsOf;
using gateway::readWhole;
using gateway::writeDurably;

namespace {

std::vector<std::string> namesIn(const fs::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) {
        names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::ptrdiff_t placeOf(const std::vector<std::string>& calls, const std::string& call) {
    const auto found = std::find(calls.begin(), calls.end(), call);
    return found == calls.end() ? -1 : found - calls.begin();
}

}  // namespace

TEST_CASE("a pipe in a file's place holds nobody up") {
    const shim::TemporaryFolder folder;
    const std::filesystem::path pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK_THROWS_WITH_AS(gateway::readWhole(pipe, 1000), doctest::Contains("no plain file"),
                         gateway::Error);
}

TEST_CASE("nothing has a name until commit, and nothing is left without one") {
    const shim::TemporaryFolder folder;
    {
        DurableFile file(folder / "a", DurableFile::Existing::Refuse);
        file.write(octetsOf("half"));
        CHECK(namesIn(folder.path()).empty());
    }
    CHECK(namesIn(folder.path()).empty());
    DurableFile file(folder / "a", DurableFile::Existing::Refuse, 0640);
    file.write(octetsOf("who"));
    file.write(octetsOf("le"));
    file.commit();
    CHECK(file.size() == 5);
    CHECK(readWhole(folder / "a", 5) == "whole");
    struct stat found{};
    REQUIRE(::stat((folder / "a").c_str(), &found) == 0);
    CHECK((found.st_mode & 0777U) == 0640);
}

TEST_CASE("Refuse never replaces a file, Replace does so in one step") {
    const shim::TemporaryFolder folder;
    writeDurably(folder / "a", "first");
    DurableFile refused(folder / "a", DurableFile::Existing::Refuse);
    refused.write(octetsOf("second"));
    CHECK_THROWS_AS(refused.commit(), const Error&);
    CHECK(readWhole(folder / "a", 100) == "first");
    writeDurably(folder / "a", "third");
    CHECK(readWhole(folder / "a", 100) == "third");
    CHECK(namesIn(folder.path()) == std::vector<std::string>{"a"});
}

TEST_CASE("the data is synced before the name is given, the directory after it") {
    const shim::TemporaryFolder folder;
    shim::Watch watch;
    writeDurably(folder / "a", "text", DurableFile::Existing::Refuse);
    const auto calls = watch.calls();
    const auto data =
        std::find_if(calls.begin(), calls.end(),
                     [&](const std::string& call) {
                         return call.starts_with("fsync " + folder.path().native() + "/");
                     }) -
        calls.begin();
    const auto link = placeOf(calls, "link " + (folder / "a").native());
    const auto directory = placeOf(calls, "fsync " + folder.path().native());
    CHECK(data < link);
    CHECK(link < directory);
    CHECK(directory == static_cast<std::ptrdiff_t>(calls.size()) - 1);
}

TEST_CASE("whichever call fails, there is an Error and never half a file") {
    for (const auto existing : {DurableFile::Existing::Refuse, DurableFile::Existing::Replace}) {
        bool failed = true;
        for (unsigned n = 1; failed; ++n) {
            REQUIRE(n < 50);
            CAPTURE(n);
            const shim::TemporaryFolder folder;
            {
                const shim::Watch watch(shim::failNth(n, n % 2 == 0 ? EIO : ENOSPC));
                try {
                    DurableFile file(folder / "a", existing);
                    file.write(octetsOf("whole"));
                    file.commit();
                    failed = false;
                } catch (const Error& error) {
                    CHECK(error.kind() == (n % 2 == 0 ? Error::Kind::Disk : Error::Kind::DiskFull));
                    CHECK(std::string(error.what()).find(folder.path()) != std::string::npos);
                }
            }
            for (const std::string& name : namesIn(folder.path())) {
                CHECK(name == "a");
                CHECK(readWhole(folder / name, 100) == "whole");
            }
        }
    }
}

TEST_CASE("a failed sync is not tried again on the same descriptor") {
    const shim::TemporaryFolder folder;
    DurableFile file(folder / "a", DurableFile::Existing::Refuse);
    file.write(octetsOf("text"));
    {
        const shim::Watch watch(
            [](const std::string& call) { return call.starts_with("fsync") ? EIO : 0; });
        CHECK_THROWS_AS(file.commit(), const Error&);
    }
    const shim::Watch watch;
    CHECK_THROWS_AS(file.commit(), const Error&);
    CHECK_THROWS_AS(file.write(octetsOf("more")), const Error&);
    CHECK(watch.calls().empty());
    CHECK(namesIn(folder.path()).empty());
}

TEST_CASE("a file does not commit into a directory that was moved or replaced") {
    const shim::TemporaryFolder folder;
    fs::create_directory(folder / "d");
    DurableFile file(folder / "d" / "a", DurableFile::Existing::Refuse);
    file.write(octetsOf("text"));
    fs::rename(folder / "d", folder / "elsewhere");
    CHECK_THROWS_AS(file.commit(), const Error&);
    DurableFile other(folder / "elsewhere" / "b", DurableFile::Existing::Refuse);
    fs::rename(folder / "elsewhere", folder / "d2");
    fs::create_directory(folder / "elsewhere");
    CHECK_THROWS_AS(other.commit(), const Error&);
}

TEST_CASE("without O_TMPFILE a temporary name is used, and goes") {
    const shim::TemporaryFolder folder;
    const shim::Watch watch([](const std::string& call) {
        return call.starts_with("open ") && call.ends_with("/.") ? EOPNOTSUPP : 0;
    });
    {
        DurableFile file(folder / "a", DurableFile::Existing::Refuse);
        CHECK(namesIn(folder.path()).at(0).starts_with(gateway::kTemporaryPrefix));
        file.write(octetsOf("text"));
        file.commit();
    }
    CHECK(namesIn(folder.path()) == std::vector<std::string>{"a"});
    DurableFile refused(folder / "a", DurableFile::Existing::Refuse);
    CHECK_THROWS_AS(refused.commit(), const Error&);
}

TEST_CASE("what a crash left is swept as deep as was asked for, and nothing else") {
    const shim::TemporaryFolder folder;
    fs::create_directories(folder / "a" / "b");
    fs::create_directory(folder / ".postern-tmp-folder");  // no file is ever called so
    for (const fs::path& place : {folder.path(), folder / "a", folder / "a" / "b"}) {
        gateway::writeDurably(place / "kept", "text");
        gateway::writeDurably(place / ".postern-tmp-0011", "half");
    }
    CHECK(gateway::sweepTemporaries(folder.path()) == 1);
    CHECK(fs::exists(folder / "a" / ".postern-tmp-0011"));
    CHECK(gateway::sweepTemporaries(folder.path(), 1) == 1);
    CHECK_FALSE(fs::exists(folder / "a" / ".postern-tmp-0011"));
    CHECK(fs::exists(folder / "a" / "b" / ".postern-tmp-0011"));
    CHECK(fs::exists(folder / "a" / "b" / "kept"));
    CHECK(fs::exists(folder / "kept"));
    CHECK(gateway::sweepTemporaries(folder / "missing") == 0);
}

TEST_CASE("each new directory is synced in its parent") {
    const shim::TemporaryFolder folder;
    const shim::Watch watch;
    gateway::makeDurableDirectory(folder / "a" / "b" / "c");
    const auto calls = watch.calls();
    for (const fs::path& made : {folder / "a", folder / "a" / "b", folder / "a" / "b" / "c"}) {
        CAPTURE(made);
        const auto place = placeOf(calls, "mkdir " + made.native());
        REQUIRE(place >= 0);
        CHECK(place < placeOf(calls, "fsync " + made.parent_path().native()));
    }
    CHECK(fs::is_directory(folder / "a" / "b" / "c"));
    gateway::makeDurableDirectory(folder / "a" / "b" / "c");
}

TEST_CASE("readWhole reads all of a file, or refuses one that is too large or not there") {
    const shim::TemporaryFolder folder;
    writeDurably(folder / "a", std::string(40'000, 'x'));
    CHECK(readWhole(folder / "a", 40'000).size() == 40'000);
    try {
        readWhole(folder / "a", 39'999);
        FAIL("read a file that is too large");
    } catch (const Error& error) {
        CHECK(error.kind() == Error::Kind::Corrupt);
    }
    CHECK_THROWS_AS(readWhole(folder / "b", 10), const Error&);
}
