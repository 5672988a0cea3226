#include "tests/base/syscall_shim.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace shim {

namespace {

std::atomic<Watch*> current{nullptr};
thread_local bool inside = false;

std::string pathOf(int descriptor) {
    if (descriptor == AT_FDCWD) {
        return {};
    }
    std::array<char, 4096> target{};
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
    return {target.data(), length < 0 ? 0 : static_cast<std::size_t>(length)};
}

std::string join(int directory, const char* name) {
    return *name == '/' || directory == AT_FDCWD ? name : pathOf(directory) + "/" + name;
}

/// The errno the call shall fail with, 0, or Watch::kShort.
int judged(const char* name, const std::string& what) {
    Watch* const watch = current.load();
    if (watch == nullptr || inside) {
        return 0;
    }
    inside = true;
    const int error = watch->judge(std::string(name) + " " + what);
    inside = false;
    return error;
}

/// True where the call shall be made; else errno is set.
bool permitted(const char* name, const std::string& what) {
    const int error = judged(name, what);
    errno = error > 0 ? error : 0;
    return error <= 0;
}

bool closesAreWatched() {
    const Watch* const watch = current.load();
    return watch != nullptr && !inside && watch->watchesCloses();
}

bool takesMode(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

}  // namespace

Watch::Watch(Before before, Closes closes) : m_before(std::move(before)), m_closes(closes) {
    current = this;
}

Watch::~Watch() { current = nullptr; }

std::vector<std::string> Watch::calls() const {
    const std::lock_guard lock(m_mutex);
    return m_calls;
}

int Watch::judge(const std::string& call) {
    {
        const std::lock_guard lock(m_mutex);
        m_calls.push_back(call);
    }
    return m_before ? m_before(call) : 0;
}

Watch::Before failNth(unsigned n, int error) {
    auto seen = std::make_shared<std::atomic<unsigned>>(0);
    return [seen, n, error](const std::string&) { return ++*seen == n ? error : 0; };
}

}  // namespace shim

using shim::join;
using shim::pathOf;
using shim::permitted;
using shim::takesMode;

extern "C" {

int open(const char* path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const unsigned mode = takesMode(flags) ? va_arg(list, unsigned) : 0;
    va_end(list);
    const long result =
        permitted("open", path) ? ::syscall(SYS_openat, AT_FDCWD, path, flags, mode) : -1;
    return static_cast<int>(result);
}

int openat(int directory, const char* path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const unsigned mode = takesMode(flags) ? va_arg(list, unsigned) : 0;
    va_end(list);
    const long result = permitted("open", join(directory, path))
                            ? ::syscall(SYS_openat, directory, path, flags, mode)
                            : -1;
    return static_cast<int>(result);
}

int mkdir(const char* path, mode_t mode) {
    return permitted("mkdir", path) ? static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, path, mode))
                                    : -1;
}

int mkdirat(int directory, const char* path, mode_t mode) {
    return permitted("mkdir", join(directory, path))
               ? static_cast<int>(::syscall(SYS_mkdirat, directory, path, mode))
               : -1;
}

ssize_t write(int descriptor, const void* octets, std::size_t count) {
    const int error = shim::judged("write", pathOf(descriptor));
    if (error > 0) {
        errno = error;
        return -1;
    }
    // Half of one octet would be none, which is no short write.
    const bool halved = error == shim::Watch::kShort && count > 1;
    return ::syscall(SYS_write, descriptor, octets, halved ? count / 2 : count);
}

int close(int descriptor) {
    const bool fails = shim::closesAreWatched() && !permitted("close", pathOf(descriptor));
    const int error = errno;
    const auto result = static_cast<int>(::syscall(SYS_close, descriptor));
    errno = fails ? error : errno;
    return fails ? -1 : result;
}

int fsync(int descriptor) {
    return permitted("fsync", pathOf(descriptor))
               ? static_cast<int>(::syscall(SYS_fsync, descriptor))
               : -1;
}

int syncfs(int descriptor) noexcept {
    return permitted("syncfs", pathOf(descriptor))
               ? static_cast<int>(::syscall(SYS_syncfs, descriptor))
               : -1;
}

int linkat(int from, const char* old, int to, const char* name, int flags) noexcept {
    return permitted("link", join(to, name))
               ? static_cast<int>(::syscall(SYS_linkat, from, old, to, name, flags))
               : -1;
}

int renameat(int from, const char* old, int to, const char* name) noexcept {
    return permitted("rename", join(from, old) + " " + join(to, name))
               ? static_cast<int>(::syscall(SYS_renameat2, from, old, to, name, 0U))
               : -1;
}

int renameat2(int from, const char* old, int to, const char* name, unsigned flags) noexcept {
    return permitted("rename", join(from, old) + " " + join(to, name))
               ? static_cast<int>(::syscall(SYS_renameat2, from, old, to, name, flags))
               : -1;
}

int unlinkat(int directory, const char* path, int flags) noexcept {
    return permitted("unlink", join(directory, path))
               ? static_cast<int>(::syscall(SYS_unlinkat, directory, path, flags))
               : -1;
}

}  // extern "C"
