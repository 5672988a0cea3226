// `postern serve`: what the process is given before the daemon is made, and what it gives up after.
// Never keeps of root's rights what the daemon can do without.
#include <csignal>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "gateway/base/log.h"
#include "gateway/daemon.h"
#include "gateway/privileges.h"

namespace gateway {

namespace {

constexpr int kMostArenas = 4;
constexpr int kKeptMemory = 1024 * 1024;
/// As the unit's LimitMEMLOCK.
constexpr rlim_t kLockedMemory = rlim_t{64} << 20U;

/// As many descriptors as we may have: each connection and each message in flight needs one. And as
/// much locked memory; root may give itself what the unit does.
void raiseLimits() {
    rlimit limit{};
    for (const auto resource : {RLIMIT_NOFILE, RLIMIT_MEMLOCK}) {
        if (::getrlimit(resource, &limit) == 0) {
            limit.rlim_cur = limit.rlim_max;
            ::setrlimit(resource, &limit);
        }
    }
    if (::geteuid() == 0 && limit.rlim_cur < kLockedMemory) {
        limit = {kLockedMemory, kLockedMemory};
        ::setrlimit(RLIMIT_MEMLOCK, &limit);
    }
}

/// Buffers of messages come and go thousands of times a second: given back to the system each time
/// they would cost as many page faults, a third of what a RETR costs. What is kept after a rush is
/// at most kKeptMemory for each of the arenas.
void keepFreedMemory() {
#ifdef __GLIBC__
    // NOLINTBEGIN(concurrency-mt-unsafe) so before the first thread starts
    ::mallopt(M_ARENA_MAX, kMostArenas);
    ::mallopt(M_TRIM_THRESHOLD, kKeptMemory);
    ::mallopt(M_MMAP_THRESHOLD, kKeptMemory);
    // NOLINTEND(concurrency-mt-unsafe)
#endif
}

}  // namespace

int serve(const Config& config) {
    ::umask(077);
    keepFreedMemory();
    raiseLimits();
    std::signal(SIGPIPE, SIG_IGN);  // a peer that went away is an error of write, not our end
    log::configure(config.log.level, config.log.format);
    const bool droppable = workAsOwnerOf(config.data);
    for (const std::string& key : config.withoutEffect) {
        log::warning("a setting has no effect in this version", {{"key", key}});
    }
    Daemon daemon(config);
    if (droppable) {
        giveUpRoot();
        log::notice("root's rights are given up: the server works as the owner of data",
                    {{"uid", static_cast<std::uint64_t>(::geteuid())}});
    } else if (::geteuid() == 0) {
        log::notice(
            "the server keeps root's rights, for data belongs to root; give it to an account "
            "of its own: chown -R postern:postern " +
            config.data.native());
    }
    log::start();
    daemon.run();
    log::stop();
    return EX_OK;
}

}  // namespace gateway
