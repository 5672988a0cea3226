// Who this process is: a command that root runs works as the owner of the data directory, so that
// the server can read and remove what it leaves there. Never gives a file to anybody.
#pragma once

#include <filesystem>

namespace gateway {

/// Becomes the owner of `directory` for good, where this process is root's and that is another
/// user's; elsewhere does nothing. To be called before the first file below it is touched.
void becomeOwnerOf(const std::filesystem::path& directory);

/// No core dump of this process, and no other process of the same user may read its memory: it is
/// about to hold a password.
void hideMemory();

}  // namespace gateway
