// Who this process is: what root starts works as the owner of the data directory, a command so that
// the server can read and remove what it leaves there, the server so that it has no right that it
// does not need. Never gives a file to anybody.
#pragma once

#include <filesystem>
#include <sys/types.h>
#include <vector>

namespace gateway {

/// Becomes the owner of `directory` for good, where this process is root's and that is another
/// user's; elsewhere does nothing. To be called before the first file below it is touched.
void becomeOwnerOf(const std::filesystem::path& directory);

/// The same for the server, with all groups of that user; of root it keeps, until giveUpRoot(), the
/// right to bind ports below 1024. To be called before the first thread starts. Returns whether
/// there is something to give up.
bool workAsOwnerOf(const std::filesystem::path& directory);

/// For good, in all threads.
void giveUpRoot();

/// becomeOwnerOf() until its end, for a command that writes a file of its caller's afterwards. Not
/// where other threads run that must not change along.
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
