#include "gateway/data_lock.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>

#include "gateway/base/error.h"

namespace gateway {

std::optional<DataLock> DataLock::tryTake(const Layout& layout) {
    const std::string path = layout.lock().native();
    // No fsync: the file only has to be there while somebody holds it.
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) {
        if (errno == ENOENT) {
            throw Error(Error::Kind::Disk, "the data directory " + layout.data().native() +
                                               " does not exist; start `postern serve` once, which "
                                               "makes it, or mend `data` in the config");
        }
        throwErrno("open", path);
    }
    // flock and not a process id in the file: it goes with its process, also after kill -9.
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) {
            return std::nullopt;
        }
        throwErrno("lock", path);
    }
    return DataLock(std::move(file));
}

}  // namespace gateway
