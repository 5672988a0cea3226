#include "gateway/mail/record_writes.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"

namespace gateway {

namespace {

constexpr std::size_t kLargestBefore = 64U << 20U;  ///< of a damaged file that we replace

}  // namespace

void RecordWrites::remember(Written& written) {
    struct stat found{};
    if (::stat(written.path.c_str(), &found) != 0) {
        return;
    }
    const std::filesystem::path former = written.path.parent_path() / temporaryName();
    if (::linkat(AT_FDCWD, written.path.c_str(), AT_FDCWD, former.c_str(), 0) == 0) {
        written.former = former;
    } else if (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK) {
        written.before = readWhole(written.path, kLargestBefore);
    } else {
        throwErrno("link", written.path.native());
    }
}

void RecordWrites::write(const std::filesystem::path& path, const std::string& text) {
    Written written{path, {}, std::nullopt};
    remember(written);
    m_written.push_back(std::move(written));
    writeDurably(path, text);
}

void RecordWrites::keep() noexcept {
    for (const Written& written : m_written) {
        if (!written.former.empty()) {
            ::unlinkat(AT_FDCWD, written.former.c_str(), 0);
        }
    }
    m_written.clear();
}

void RecordWrites::takeBack() noexcept {
    for (const auto& [path, former, before] : m_written) {
        try {
            if (before) {
                writeDurably(path, *before);
                continue;
            }
            if (!former.empty()) {
                // Where the write has not come to replace it both are names of one file, and
                // nothing is renamed (POSIX).
                check(::renameat(AT_FDCWD, former.c_str(), AT_FDCWD, path.c_str()), "rename",
                      former.native());
                ::unlinkat(AT_FDCWD, former.c_str(), 0);
            } else if (::unlinkat(AT_FDCWD, path.c_str(), 0) != 0 && errno != ENOENT) {
                throwErrno("unlink", path.native());
            }
            syncDirectory(path.parent_path());
        } catch (const Error& error) {
            log::warning("a change that failed could not be taken back, and may show later",
                         {{"file", path.native()}, {"cause", error.what()}});
        }
    }
    m_written.clear();
}

}  // namespace gateway
