#include "gateway/privileges.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gateway/base/error.h"

namespace gateway {

namespace {

/// Octets of an entry in passwd.
constexpr std::size_t kMostOfAccount = 65'536;

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

/// All groups of the owner where it is an account of this system, as a service manager would do: a
/// key of tls.key may be readable for one of them. Returns the first.
gid_t joinGroups(const struct stat& owned, const std::string& name) {
    std::vector<char> room(kMostOfAccount);
    passwd account{};
    passwd* known = nullptr;
    if (::getpwuid_r(owned.st_uid, &account, room.data(), room.size(), &known) == 0 &&
        known != nullptr) {
        check(::initgroups(known->pw_name, known->pw_gid), "take the groups of", name);
        return known->pw_gid;
    }
    check(::setgroups(1, &owned.st_gid), "drop the groups of root for", name);
    return owned.st_gid;
}

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

bool workAsOwnerOf(const std::filesystem::path& directory) {
    struct stat found{};
    if (::geteuid() != 0 || ::stat(directory.c_str(), &found) != 0 || found.st_uid == 0) {
        return false;
    }
    const std::string name = "the owner of " + directory.native();
    // What it starts, a DNS hook for instance, gets no right back either.
    check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "renounce new rights for", name);
    const gid_t group = joinGroups(found, name);
    check(::setresgid(group, group, group), "become", name);
    // While one of the three is root's the kernel leaves us the rights that we may take up again.
    check(::setresuid(found.st_uid, found.st_uid, 0), "become", name);
    constexpr std::uint32_t kBind = 1U << CAP_NET_BIND_SERVICE;
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> rights{};
    rights[0] = {kBind, kBind, 0};
    check(static_cast<int>(::syscall(SYS_capset, &head, rights.data())), "bind low ports as", name);
    return true;
}

void giveUpRoot() {
    const uid_t user = ::geteuid();
    // The last of the three: with it the kernel takes the rights away, and libc does so in each
    // thread.
    check(::setresuid(user, user, user), "give up", "root's rights");
    hideMemory();  // the kernel forgets it where a process changes its user
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
