// The directory store's ways out: messages deleted by QUIT, left-overs swept.
// Never removes a file whose name is not one of ours.
#include <cerrno>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/mail/ownership.h"
#include "gateway/store/directory_incoming.h"

namespace gateway {

namespace {

namespace fs = std::filesystem;

/// The moves of one remove(), taken back where not all of it came about.
class Removal {
public:
    Removal(const Layout& layout, const fs::path& folder)
        : m_layout(layout), m_folder(folder), m_deleted(makeDeleted()) {}

    void move(const MessageId& id) {
        const char* const name = id.str().c_str();
        if (::renameat2(m_folder.get(), name, m_deleted.get(), name, RENAME_NOREPLACE) == 0) {
            m_moved.emplace_back(id, true);
        } else if (errno == EINVAL || errno == ENOSYS) {
            link(id);
        } else if (errno == EEXIST) {
            addSecondName(id, false);
        } else if (errno != ENOENT) {
            throwErrnoFor(m_layout, "remove messages in", m_folder.path());
        }
    }

    /// The names in the folder go last: on a disk that is full only a name that is still there is
    /// sure to stay.
    void sync() {
        m_deleted.sync();
        for (const MessageId& id : m_twofold) {
            if (::unlinkat(m_folder.get(), id.str().c_str(), 0) != 0 && errno != ENOENT) {
                throwErrnoFor(m_layout, "remove messages in", m_folder.path());
            }
        }
        m_folder.sync();
        if (!m_folder.isAtItsPath()) {
            throw Error(Error::Kind::Disk, "remove messages in " + m_folder.path().native() +
                                               ": the folder was moved or replaced meanwhile");
        }
    }

    /// As far as possible: a message that stays in deleted/ was fetched, and can be restored.
    void takeBack() noexcept {
        for (const auto& [id, isOurs] : m_moved) {
            const char* const name = id.str().c_str();
            const bool there = ::faccessat(m_folder.get(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
                               ::linkat(m_deleted.get(), name, m_folder.get(), name, 0) == 0;
            if (there && isOurs) {
                ::unlinkat(m_deleted.get(), name, 0);
            }
        }
    }

private:
    Directory makeDeleted() {
        if (::mkdirat(m_folder.get(), "deleted", 0700) == 0) {
            m_folder.sync();  // before a message's only name lies in it
        } else if (errno != EEXIST) {
            throwErrnoFor(m_layout, "mkdir", m_folder.path() / "deleted");
        }
        return Directory(m_folder.path() / "deleted");
    }

    /// For file systems that know no RENAME_NOREPLACE; a plain rename could replace.
    void link(const MessageId& id) {
        const char* const name = id.str().c_str();
        if (::linkat(m_folder.get(), name, m_deleted.get(), name, 0) == 0) {
            addSecondName(id, true);
        } else if (errno == EEXIST) {
            addSecondName(id, false);
        } else if (errno != ENOENT) {
            throwErrnoFor(m_layout, "remove messages in", m_folder.path());
        }
    }

    /// `isOurs`: false where deleted/ had it before, and it was restored by hand, by a copy.
    void addSecondName(const MessageId& id, bool isOurs) {
        m_moved.emplace_back(id, isOurs);
        m_twofold.push_back(id);
    }

    const Layout& m_layout;
    Directory m_folder;
    Directory m_deleted;
    std::vector<std::pair<MessageId, bool>> m_moved;  ///< and whether its name in deleted/ is ours
    std::vector<MessageId> m_twofold;                 ///< those with a name in both folders
};

std::size_t sweepFolder(const Directory& folder) {
    std::size_t removed = 0;
    for (const std::string& name : namesIn(folder)) {
        if (name.starts_with(kTemporaryPrefix)) {
            check(::unlinkat(folder.get(), name.c_str(), 0), "unlink",
                  (folder.path() / name).native());
            ++removed;
        }
    }
    return removed;
}

}  // namespace

void DirectoryStore::remove(const Drop& drop, std::span<const MessageId> ids) {
    const fs::path folder = m_shared->layout.drop(drop);
    std::error_code error;
    if (ids.empty() || (!fs::exists(folder, error) && !error)) {
        return;
    }
    const RemovalsUnderWay::Entry underWay(m_shared->removals, drop);
    Removal removal(m_shared->layout, folder);
    try {
        for (const MessageId& id : ids) {
            removal.move(id);
        }
        removal.sync();  // also where all were gone: an earlier try may have failed after the move
    } catch (const Error&) {
        removal.takeBack();
        throw;
    }
}

std::size_t DirectoryStore::sweep() {
    std::size_t removed = 0;
    std::set<dev_t> synced;
    const auto sweepOne = [&](const fs::path& path) {
        std::error_code error;
        if (!fs::is_directory(path, error)) {
            return;
        }
        try {
            const Directory folder(path);
            removed += sweepFolder(folder);
            // A process that died may have given names it did not sync; one call for all folders.
            if (synced.insert(folder.device()).second) {
                syncFileSystem(path);
            }
        } catch (const Error& trouble) {
            const bool denied = trouble.kind() == Error::Kind::Permission;
            log::warning("a folder could not be swept",
                         {{"cause", trouble.what()},
                          {"remedy", denied ? chownLine(m_shared->layout, path) : "none known"}});
        }
    };
    sweepOne(m_shared->layout.mailboxes());
    for (const Drop& drop : allDrops(m_shared->layout)) {
        sweepOne(m_shared->layout.drop(drop));
        sweepOne(m_shared->layout.deleted(drop));
    }
    return removed;
}

}  // namespace gateway
