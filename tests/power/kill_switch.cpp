// Preloaded into a program it kills it by SIGKILL just before a chosen call that changes what is on
// the disk: acme_crash_test.py ends the gateway so at every one of them. Never changes what a call
// does. Linux only.
//
// KILL_BELOW names folders, with a ':' between them; calls for what is below are counted, and each
// is appended to KILL_LOG as "NUMBER CALL PATH". The one with the number KILL_AT does not happen.
#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

std::string settingOf(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

bool isBelow(const std::string& path) {
    static const std::string folders = settingOf("KILL_BELOW");
    std::string_view rest = folders;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(':'), rest.size());
        const std::string_view folder = rest.substr(0, end);
        if (path.starts_with(folder) &&
            (path.size() == folder.size() || path[folder.size()] == '/')) {
            return true;
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

void pass(const char* call, const std::string& path) {
    static std::atomic<int> count = 0;
    static const int chosen = std::atoi(settingOf("KILL_AT").c_str());
    static const int log =
        static_cast<int>(::syscall(SYS_openat, AT_FDCWD, settingOf("KILL_LOG").c_str(),
                                   O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (!isBelow(path)) {
        return;
    }
    const int number = ++count;
    const std::string line = std::to_string(number) + ' ' + call + ' ' + path + '\n';
    ::syscall(SYS_write, log, line.data(), line.size());
    if (number == chosen) {
        ::kill(::getpid(), SIGKILL);
    }
}

std::string pathOf(int descriptor) {
    std::array<char, PATH_MAX> path{};
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
    return {path.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

std::string placeOf(int directory, const char* path) {
    return *path == '/' || directory == AT_FDCWD ? path : pathOf(directory) + '/' + path;
}

int openFile(int directory, const char* path, int flags, unsigned mode) {
    if ((flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
        pass("open", placeOf(directory, path));
    }
    return static_cast<int>(::syscall(SYS_openat, directory, path, flags, mode));
}

int moveName(int from, const char* old, int to, const char* name, unsigned flags) {
    pass("rename", placeOf(to, name));
    return static_cast<int>(::syscall(SYS_renameat2, from, old, to, name, flags));
}

int giveName(int from, const char* old, int to, const char* name, int flags) {
    pass("link", placeOf(to, name));
    return static_cast<int>(::syscall(SYS_linkat, from, old, to, name, flags));
}

int takeName(int directory, const char* path, int flags) {
    pass("unlink", placeOf(directory, path));
    return static_cast<int>(::syscall(SYS_unlinkat, directory, path, flags));
}

int makeFolder(int directory, const char* path, mode_t mode) {
    pass("mkdir", placeOf(directory, path));
    return static_cast<int>(::syscall(SYS_mkdirat, directory, path, mode));
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* octets, std::size_t count) {
    pass("write", pathOf(descriptor));
    return ::syscall(SYS_write, descriptor, octets, count);
}

int fsync(int descriptor) {
    pass("fsync", pathOf(descriptor));
    return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

}  // extern "C"

#include "tests/power/name_calls.h"
