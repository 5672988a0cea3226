#include "gateway/mail/ownership.h"

#include <array>
#include <cerrno>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include "gateway/base/error.h"

namespace gateway {

namespace {

/// Enough for any entry of passwd(5) or group(5) that is not a listing of a whole company.
using Buffer = std::array<char, 65536>;

std::string userName(uid_t id) {
    Buffer buffer;
    passwd entry{};
    passwd* found = nullptr;
    const bool known =
        ::getpwuid_r(id, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
    return known ? std::string(found->pw_name) : std::to_string(id);
}

std::string groupName(gid_t id) {
    Buffer buffer;
    group entry{};
    group* found = nullptr;
    const bool known =
        ::getgrgid_r(id, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
    return known ? std::string(found->gr_name) : std::to_string(id);
}

/// For a shell; our own names need no quotes, the admin's data directory may.
std::string quoted(const std::string& path) {
    if (path.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-") ==
        std::string::npos) {
        return path;
    }
    std::string result = "'";
    for (const char c : path) {
        if (c == '\'') {
            result += "'\\''";
        } else {
            result += c;
        }
    }
    return result + "'";
}

/// What must change hands so that `path` can be reached: the highest directory on the way to it
/// that is not the data directory's owner's, or `path` itself. Giving away only what lies below a
/// closed directory would mend nothing.
std::filesystem::path highestForeign(const Layout& layout, const std::filesystem::path& path) {
    struct stat data{};
    if (::stat(layout.data().c_str(), &data) != 0) {
        return path;
    }
    std::filesystem::path reached = layout.data();
    for (const auto& name : path.lexically_relative(layout.data())) {
        reached /= name;
        struct stat found{};
        if (name == ".." || ::lstat(reached.c_str(), &found) != 0) {
            return path;
        }
        if (found.st_uid != data.st_uid) {
            return reached;
        }
    }
    return path;
}

}  // namespace

std::string chownLine(const Layout& layout, const std::filesystem::path& path) {
    struct stat data{};
    if (::stat(layout.data().c_str(), &data) != 0) {
        return "chown -R postern: " + quoted(layout.data());
    }
    struct stat found{};
    std::filesystem::path named = path;
    // Below a folder that may not be entered the folder is the trouble.
    while (::lstat(named.c_str(), &found) != 0 && errno == EACCES && named.has_relative_path()) {
        named = named.parent_path();
    }
    return std::string("chown ") + (S_ISDIR(found.st_mode) ? "-R " : "") + userName(data.st_uid) +
           ":" + groupName(data.st_gid) + " " + quoted(named);
}

void throwErrnoFor(const Layout& layout, std::string_view call, const std::filesystem::path& path) {
    if (errno != EACCES && errno != EPERM) {
        throwErrno(call, path.native());
    }
    throw Error(Error::Kind::Permission, std::string(call) + " " + path.native() +
                                             ": Permission denied; run `" +
                                             chownLine(layout, highestForeign(layout, path)) + "`");
}

}  // namespace gateway
