#include "gateway/privileges.h"

#include <cstdlib>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/error.h"

namespace gateway {

namespace {

/// LeakSanitizer stops the process with ptrace, which an undumpable one does not allow.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kWatchedByLeakSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kWatchedByLeakSanitizer = true;
#else
constexpr bool kWatchedByLeakSanitizer = false;
#endif
#else
constexpr bool kWatchedByLeakSanitizer = false;
#endif

}  // namespace

void becomeOwnerOf(const std::filesystem::path& directory) {
    struct stat found{};
    if (::geteuid() != 0 || ::stat(directory.c_str(), &found) != 0 || found.st_uid == 0) {
        return;
    }
    const std::string name = "the owner of " + directory.native();
    check(::setgroups(1, &found.st_gid), "drop the groups of root for", name);
    check(::setresgid(found.st_gid, found.st_gid, found.st_gid), "become", name);
    check(::setresuid(found.st_uid, found.st_uid, found.st_uid), "become", name);
}

AsOwnerOf::AsOwnerOf(const std::filesystem::path& directory) {
    struct stat found{};
    if (::geteuid() != 0 || ::stat(directory.c_str(), &found) != 0 || found.st_uid == 0) {
        return;
    }
    const std::string name = "the owner of " + directory.native();
    m_group = ::getegid();
    m_groups.resize(static_cast<std::size_t>(check(::getgroups(0, nullptr), "ask", "the groups")));
    check(::getgroups(static_cast<int>(m_groups.size()), m_groups.data()), "ask", "the groups");
    check(::setgroups(1, &found.st_gid), "drop the groups of root for", name);
    check(::setegid(found.st_gid), "become", name);
    check(::seteuid(found.st_uid), "become", name);
    m_changed = true;
}

AsOwnerOf::~AsOwnerOf() {
    if (!m_changed) {
        return;
    }
    // Going on as somebody else than whoever called would be wrong, so this must not fail.
    if (::seteuid(0) != 0 || ::setegid(m_group) != 0 ||
        ::setgroups(m_groups.size(), m_groups.data()) != 0) {
        std::abort();
    }
}

void hideMemory() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    if (!kWatchedByLeakSanitizer) {
        ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
}

}  // namespace gateway
