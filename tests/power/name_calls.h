// The calls of libc by which a program opens, makes, links, moves and removes names, each of them
// by one of five functions that the preloaded library before this line defines: openFile(),
// makeFolder(), giveName(), moveName(), takeName(). Included last, once. Linux only.
#pragma once

#include <cstdarg>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

unsigned modeOf(int flags, va_list list) {
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(list, unsigned) : 0;
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const unsigned mode = modeOf(flags, list);
    va_end(list);
    return openFile(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char* path, int flags, ...) {
    va_list list;
    va_start(list, flags);
    const unsigned mode = modeOf(flags, list);
    va_end(list);
    return openFile(directory, path, flags, mode);
}

int open64(const char* path, int flags, ...) __attribute__((alias("open")));
int openat64(int directory, const char* path, int flags, ...) __attribute__((alias("openat")));

int mkdir(const char* path, mode_t mode) noexcept { return makeFolder(AT_FDCWD, path, mode); }
int mkdirat(int directory, const char* path, mode_t mode) noexcept {
    return makeFolder(directory, path, mode);
}
int link(const char* old, const char* name) noexcept {
    return giveName(AT_FDCWD, old, AT_FDCWD, name, 0);
}
int linkat(int from, const char* old, int to, const char* name, int flags) noexcept {
    return giveName(from, old, to, name, flags);
}
int rename(const char* old, const char* name) noexcept {
    return moveName(AT_FDCWD, old, AT_FDCWD, name, 0);
}
int renameat(int from, const char* old, int to, const char* name) noexcept {
    return moveName(from, old, to, name, 0);
}
int renameat2(int from, const char* old, int to, const char* name, unsigned flags) noexcept {
    return moveName(from, old, to, name, flags);
}
int unlink(const char* path) noexcept { return takeName(AT_FDCWD, path, 0); }
int unlinkat(int directory, const char* path, int flags) noexcept {
    return takeName(directory, path, flags);
}
int rmdir(const char* path) noexcept { return takeName(AT_FDCWD, path, AT_REMOVEDIR); }
int remove(const char* path) noexcept {
    struct stat found{};
    const bool isFolder = ::lstat(path, &found) == 0 && S_ISDIR(found.st_mode);
    return isFolder ? rmdir(path) : unlink(path);
}

}  // extern "C"
