#include "acme/dns_hook.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace acme {

namespace {

using gateway::Descriptor;

constexpr std::size_t kMostOutput = 4096;  ///< of it is kept; more is read and dropped
constexpr int kMostParts = 64;             ///< all that a pipe holds

struct Attributes {
    Attributes() {
        posix_spawnattr_init(&attributes);
        posix_spawn_file_actions_init(&actions);
    }
    ~Attributes() {
        posix_spawnattr_destroy(&attributes);
        posix_spawn_file_actions_destroy(&actions);
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    posix_spawnattr_t attributes{};
    posix_spawn_file_actions_t actions{};
};

/// In a group of its own, so that all it started can be ended with it; 0 where it cannot be
/// started, with the reason in errno.
pid_t start(const HookCall& call, int output) {
    Attributes how;
    sigset_t none;
    sigset_t standard;
    sigemptyset(&none);
    sigemptyset(&standard);
    sigaddset(&standard, SIGPIPE);
    posix_spawnattr_setflags(
        &how.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setpgroup(&how.attributes, 0);
    posix_spawnattr_setsigdefault(&how.attributes, &standard);
    posix_spawnattr_setsigmask(&how.attributes, &none);
    posix_spawn_file_actions_addopen(&how.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&how.actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&how.actions, output, STDERR_FILENO);
    std::array<std::string, 4> words{call.program.native(), call.action, call.fqdn, call.value};
    std::array<char*, 5> arguments{words[0].data(), words[1].data(), words[2].data(),
                                   words[3].data(), nullptr};
    pid_t process = 0;
    errno = ::posix_spawn(&process, call.program.c_str(), &how.actions, &how.attributes,
                          arguments.data(), environ);
    return errno == 0 ? process : 0;
}

enum class End { Exited, TimedOut, Stopped };

/// Reads once; false at its end, or where there is nothing yet.
bool readSome(int output, std::string& said) {
    std::array<char, 1024> part{};
    const ssize_t got = ::read(output, part.data(), part.size());
    if (got > 0) {
        said.append(part.data(), std::min(static_cast<std::size_t>(got),
                                          kMostOutput - std::min(kMostOutput, said.size())));
    }
    return got > 0;
}

/// Reads what it says until it has ended, or must.
End watch(const HookCall& call, int output, int process, std::string& said) {
    auto deadline = std::chrono::steady_clock::now() + call.time;
    bool stopping = false;
    std::array<pollfd, 3> watched{
        {{process, POLLIN, 0}, {call.stop, POLLIN, 0}, {output, POLLIN, 0}}};
    for (;;) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) {
            return stopping ? End::Stopped : End::TimedOut;
        }
        if (::poll(watched.data(), watched.size(), static_cast<int>(left.count()) + 1) < 0) {
            continue;  // EINTR
        }
        if (watched[1].revents != 0) {
            stopping = true;
            watched[1] = {-1, 0, 0};
            deadline = std::min(deadline, std::chrono::steady_clock::now() + call.grace);
        }
        if (watched[0].revents != 0) {
            // What it said last; not what a child of it goes on to say.
            for (int parts = 0; parts < kMostParts && readSome(output, said); ++parts) {
            }
            return End::Exited;
        }
        if (watched[2].revents != 0 && !readSome(output, said)) {
            watched[2] = {-1, 0, 0};
        }
    }
}

std::string endOf(int status) {
    return WIFSIGNALED(status) ? "was ended by signal " + std::to_string(WTERMSIG(status))
                               : "exited with " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::optional<std::string> runHook(const HookCall& call) {
    const std::string what =
        call.program.native() + ' ' + call.action + ' ' + gateway::printable(call.fqdn);
    std::array<int, 2> ends{};
    gateway::check(::pipe2(ends.data(), O_CLOEXEC), "pipe for", call.program.native());
    const Descriptor reading(ends[0]);
    gateway::check(::fcntl(reading.get(), F_SETFL, O_NONBLOCK), "fcntl for", call.program.native());
    Descriptor writing(ends[1]);
    const pid_t child = start(call, writing.get());
    if (child == 0) {
        return what + " cannot be started: " + std::generic_category().message(errno);
    }
    writing.reset();
    // glibc 2.36 declares its pidfd_open() for C only.
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    std::string said;
    const End end = process ? watch(call, reading.get(), process.get(), said) : End::Stopped;
    if (end != End::Exited) {
        ::kill(-child, SIGKILL);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    std::string text = said.empty() ? "" : ": " + gateway::printable(gateway::trimmed(said), 600);
    if (end == End::TimedOut) {
        return what + " took longer than " + std::to_string(call.time.count()) + " s" + text;
    }
    if (end == End::Stopped) {
        return what + " was ended, for the server stops";
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return what + ' ' + endOf(status) + text;
    }
    return std::nullopt;
}

}  // namespace acme
