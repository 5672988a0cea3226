// Who this process is: a command that root runs works as the owner of the data directory, so that
// the server can read and remove what it leaves there. Never gives a file to anybody.
#pragma once

#include <filesystem>
#include <sys/types.h>
#include <vector>

namespace gateway {

/// Becomes the owner of `directory` for good, where this process is root's and that is another
/// user's; elsewhere does nothing. To be called before the first file below it is touched.
void becomeOwnerOf(const std::filesystem::path& directory);

/// The same until its end, for a command that writes a file of its caller's afterwards. Not where
/// other threads run that must not change along.
class AsOwnerOf {
public:
    explicit AsOwnerOf(const std::filesystem::path& directory);
    ~AsOwnerOf();
    AsOwnerOf(const AsOwnerOf&) = delete;
    AsOwnerOf& operator=(const AsOwnerOf&) = delete;

private:
    bool m_changed = false;
    gid_t m_group = 0;
    std::vector<gid_t> m_groups;
};

/// No core dump of this process, and no other process of the same user may read its memory: it is
/// about to hold a password.
void hideMemory();

}  // namespace gateway
