// A process that dies at a chosen system call, as by a power switch as far as the program can tell:
// nothing of it runs any more, and what the kernel has stays.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include "tests/base/syscall_shim.h"

namespace shim {

/// Runs `work` in a process of its own that ends before its n-th watched call (the first is 1).
/// False where it came to its end instead.
template <typename Work>
bool diesAtNth(unsigned n, Work work) {
    constexpr int kDied = 99;
    const pid_t child = ::fork();
    if (child == 0) {
        unsigned seen = 0;
        const Watch watch([&](const std::string&) {
            if (++seen == n) {
                ::_exit(kDied);
            }
            return 0;
        });
        work();
        ::_exit(0);
    }
    int status = -1;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == kDied;
}

}  // namespace shim
