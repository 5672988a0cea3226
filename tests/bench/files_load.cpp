// What the disk allows: files created, written, synced, renamed, their directory synced.
// No server has a part in it; it is the mark that servers are measured against.
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <unistd.h>

#include "tests/bench/crew.h"
#include "tests/bench/loads.h"

namespace bench {

namespace {

void check(bool well, const char* what) {
    if (!well) {
        throw Trouble(std::string(what) + ": " + std::generic_category().message(errno));
    }
}

void makeOne(int directory, const std::string& name, std::string_view octets) {
    const std::string temporary = "tmp-" + name;
    const int file =
        ::openat(directory, temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    check(file >= 0, "create");
    while (!octets.empty()) {
        const ssize_t wrote = ::write(file, octets.data(), octets.size());
        check(wrote > 0, "write");
        octets.remove_prefix(static_cast<std::size_t>(wrote));
    }
    check(::fsync(file) == 0, "fsync");
    ::close(file);
    check(::renameat(directory, temporary.c_str(), directory, name.c_str()) == 0, "rename");
    check(::fsync(directory) == 0, "fsync of the directory");
}

}  // namespace

bool makeFiles(const Options& options) {
    const std::string octets(static_cast<std::size_t>(options.number("size", 4096)), 'x');
    const auto directories = static_cast<std::size_t>(options.number("directories", 1));
    const long most = options.number("most", 1L << 40);
    std::atomic<long> next = 0;
    Crew crew(options.connections(), options.time());
    return crew.run([&](Crew::Work& work) {
        const std::filesystem::path path = std::filesystem::path(options.text("folder")) /
                                           std::to_string(work.number % directories);
        std::filesystem::create_directories(path);
        const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        check(directory >= 0, "open");
        work.begin();
        for (long number = next++; number < most && work.timeLeft(); number = next++) {
            const auto begun = Clock::now();
            makeOne(directory, std::to_string(number), octets);
            work.tally.count(octets.size(), begun);
        }
        ::close(directory);
    });
}

}  // namespace bench
