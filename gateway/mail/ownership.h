// Who should own the files below the data directory, in words for an admin: files copied in as root
// are the commonest trouble there is. Never changes an owner itself.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "gateway/mail/layout.h"

namespace gateway {

/// The exact line that gives `path` (with all below it, where it is a directory) to the owner of
/// the data directory: "chown postern:postern /var/lib/postern/…".
std::string chownLine(const Layout& layout, const std::filesystem::path& path);

/// Throws the Error for the present `errno` as throwErrno() does; where it is a matter of
/// permission, with the chownLine() of the highest directory on the way that belongs to another.
[[noreturn]] void throwErrnoFor(const Layout& layout, std::string_view call,
                                const std::filesystem::path& path);

}  // namespace gateway
