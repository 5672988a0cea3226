// Preloaded into a program it writes down, in one order for all threads, what the program does to
// files and folders of one file system and what it syncs: the journal from which power_cut.py makes
// what a power cut may leave. Never changes what a call does. Linux only.
//
// The file named by POWER_JOURNAL is appended to, across restarts too. An event is a line of words
// with a TAB between them; a write's octets follow its line. Inodes are named by number; a number
// is used again for another file only after an event that makes it.
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

std::mutex oneOrder;

int journal() {
    static const int file = [] {
        const char* const path = std::getenv("POWER_JOURNAL");
        return path == nullptr
                   ? -1
                   : static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path,
                                                O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    }();
    return file;
}

void note(std::string line, const void* octets = nullptr, std::size_t count = 0) {
    line += '\n';
    std::array<iovec, 2> parts{{{line.data(), line.size()}, {const_cast<void*>(octets), count}}};
    const int error = errno;
    ::syscall(SYS_writev, journal(), parts.data(), octets == nullptr ? 1 : 2);
    errno = error;
}

template <typename... Words>
std::string words(const char* first, const Words&... rest) {
    std::string line = first;
    const auto add = [&line](const auto& word) {
        line += '\t';
        if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(word)>>) {
            line += std::to_string(word);
        } else {
            line += word;
        }
    };
    (add(rest), ...);
    return line;
}

ino_t inodeOf(int descriptor) {
    struct stat found{};
    return ::fstat(descriptor, &found) == 0 ? found.st_ino : 0;
}

ino_t inodeAt(int directory, const std::string& path, int flags = AT_SYMLINK_NOFOLLOW) {
    struct stat found{};
    return ::fstatat(directory, path.c_str(), &found, flags) == 0 ? found.st_ino : 0;
}

bool isPlainFile(int descriptor) {
    struct stat found{};
    return ::fstat(descriptor, &found) == 0 && S_ISREG(found.st_mode);
}

/// A name in a folder, as a call names it.
struct Place {
    Place(int directory, const std::string& path) {
        const std::size_t slash = path.find_last_of('/');
        const std::string folderPath = slash == std::string::npos ? "."
                                       : slash == 0               ? "/"
                                                                  : path.substr(0, slash);
        name = slash == std::string::npos ? path : path.substr(slash + 1);
        folder = inodeAt(directory, folderPath, 0);
    }
    ino_t folder;
    std::string name;
};

int openFile(int directory, const char* path, int flags, unsigned mode) {
    const bool unnamed = (flags & O_TMPFILE) == O_TMPFILE;
    if (!unnamed && (flags & (O_CREAT | O_TRUNC)) == 0) {
        return static_cast<int>(::syscall(SYS_openat, directory, path, flags, mode));
    }
    const std::lock_guard lock(oneOrder);
    const ino_t before = unnamed ? 0 : inodeAt(directory, path, 0);
    const int result = static_cast<int>(::syscall(SYS_openat, directory, path, flags, mode));
    if (result >= 0 && unnamed) {
        note(words("unnamed", inodeOf(result)));
    } else if (result >= 0 && before == 0) {
        const Place place(directory, path);
        note(words("create", inodeOf(result), place.folder, place.name));
    } else if (result >= 0 && (flags & O_TRUNC) != 0) {
        note(words("truncate", inodeOf(result), 0));
    }
    return result;
}

int makeFolder(int directory, const char* path, mode_t mode) {
    const std::lock_guard lock(oneOrder);
    const auto result = static_cast<int>(::syscall(SYS_mkdirat, directory, path, mode));
    if (result == 0) {
        const Place place(directory, path);
        note(words("mkdir", inodeAt(directory, path), place.folder, place.name));
    }
    return result;
}

int giveName(int from, const char* old, int to, const char* name, int flags) {
    const std::lock_guard lock(oneOrder);
    const auto result = static_cast<int>(::syscall(SYS_linkat, from, old, to, name, flags));
    if (result == 0) {
        const Place place(to, name);
        note(words("link", inodeAt(to, name), place.folder, place.name));
    }
    return result;
}

int moveName(int from, const char* old, int to, const char* name, unsigned flags) {
    const std::lock_guard lock(oneOrder);
    // Two names of one file: nothing is moved (POSIX).
    const bool isOne = inodeAt(from, old) == inodeAt(to, name);
    const auto result = static_cast<int>(::syscall(SYS_renameat2, from, old, to, name, flags));
    if (result == 0 && !isOne) {
        const Place source(from, old);
        const Place target(to, name);
        note(words("rename", inodeAt(to, name), source.folder, source.name, target.folder,
                   target.name));
    }
    return result;
}

int takeName(int directory, const char* path, int flags) {
    const std::lock_guard lock(oneOrder);
    const Place place(directory, path);
    const auto result = static_cast<int>(::syscall(SYS_unlinkat, directory, path, flags));
    if (result == 0) {
        note(words("unlink", place.folder, place.name));
    }
    return result;
}

template <typename Call>
ssize_t writeAt(int descriptor, const void* octets, off_t offset, Call call) {
    if (!isPlainFile(descriptor)) {
        return call();
    }
    const std::lock_guard lock(oneOrder);
    const bool atEnd = (::fcntl(descriptor, F_GETFL) & O_APPEND) != 0;
    const off_t at = offset >= 0 ? offset : ::lseek(descriptor, 0, atEnd ? SEEK_END : SEEK_CUR);
    const ssize_t result = call();
    if (result > 0) {
        note(words("write", inodeOf(descriptor), at, result), octets,
             static_cast<std::size_t>(result));
    }
    return result;
}

/// What began before "sync" and is there at "synced" is on the disk.
int sync(int descriptor, long number) {
    static unsigned long last = 0;
    unsigned long mine = 0;
    const ino_t inode = number == SYS_syncfs ? 0 : inodeOf(descriptor);
    {
        const std::lock_guard lock(oneOrder);
        mine = ++last;
        note(words("sync", ::getpid(), mine, inode));
    }
    const auto result = static_cast<int>(::syscall(number, descriptor));
    if (result == 0) {
        const std::lock_guard lock(oneOrder);
        note(words("synced", ::getpid(), mine));
    }
    return result;
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* octets, std::size_t count) {
    return writeAt(descriptor, octets, -1,
                   [&] { return ::syscall(SYS_write, descriptor, octets, count); });
}

ssize_t pwrite(int descriptor, const void* octets, std::size_t count, off_t offset) {
    return writeAt(descriptor, octets, offset,
                   [&] { return ::syscall(SYS_pwrite64, descriptor, octets, count, offset); });
}

ssize_t writev(int descriptor, const iovec* parts, int count) {
    if (!isPlainFile(descriptor)) {
        return ::syscall(SYS_writev, descriptor, parts, count);
    }
    ssize_t sum = 0;
    for (int i = 0; i < count; ++i) {
        const ssize_t wrote = write(descriptor, parts[i].iov_base, parts[i].iov_len);
        if (wrote < 0) {
            return sum > 0 ? sum : wrote;
        }
        sum += wrote;
    }
    return sum;
}

int ftruncate(int descriptor, off_t length) noexcept {
    const std::lock_guard lock(oneOrder);
    const auto result = static_cast<int>(::syscall(SYS_ftruncate, descriptor, length));
    if (result == 0) {
        note(words("truncate", inodeOf(descriptor), length));
    }
    return result;
}

int fsync(int descriptor) { return sync(descriptor, SYS_fsync); }
int fdatasync(int descriptor) { return sync(descriptor, SYS_fdatasync); }
int syncfs(int descriptor) noexcept { return sync(descriptor, SYS_syncfs); }

}  // extern "C"

#include "tests/power/name_calls.h"
