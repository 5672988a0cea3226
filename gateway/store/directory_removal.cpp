// The directory store's ways out: messages deleted by QUIT, deleted ones purged, left-overs swept.
// Never removes a file whose name is not one of ours.
#include <cerrno>
#include <exception>
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

/// The names in a folder, none where it cannot be read: list() and `check` say so.
std::vector<std::string> readableNames(const fs::path& folder) {
    try {
        return namesIn(Directory(folder));
    } catch (const Error&) {
        return {};
    }
}

/// The drops that have a folder; what has another name is not ours.
std::vector<Drop> allDrops(const Layout& layout) {
    std::vector<Drop> drops;
    for (const std::string& mailbox : readableNames(layout.mailboxes())) {
        const auto id = MailboxId::parse(mailbox);
        if (!id || id->str() != mailbox) {  // another spelling would lead to another folder
            continue;
        }
        for (const std::string& folder : readableNames(layout.mailbox(*id))) {
            if (const auto key = crypto::SealKey::parse(folder)) {
                drops.emplace_back(*id, *key);
            }
        }
    }
    return drops;
}

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

/// Unlinks what was deleted before `limit`, at most `most`.
std::size_t purgeFolder(const Layout& layout, const Directory& deleted, std::time_t limit,
                        std::size_t most) {
    std::size_t purged = 0;
    for (const std::string& name : namesIn(deleted)) {
        struct stat file{};
        if (purged == most) {
            break;
        }
        // The time of the last change of the inode: the move into this folder, for a rename
        // leaves the modification time as it is.
        if (!MessageId::parse(name) ||
            ::fstatat(deleted.get(), name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0 ||
            file.st_ctim.tv_sec > limit) {
            continue;
        }
        if (::unlinkat(deleted.get(), name.c_str(), 0) == 0) {
            ++purged;
        } else if (errno != ENOENT) {
            throwErrnoFor(layout, "purge", deleted.path());
        }
    }
    return purged;
}

}  // namespace

void DirectoryStore::remove(const Drop& drop, std::span<const MessageId> ids) {
    const fs::path folder = m_shared->layout.drop(drop);
    std::error_code error;
    if (ids.empty() || (!fs::exists(folder, error) && !error)) {
        return;
    }
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

std::size_t DirectoryStore::purge(std::chrono::seconds keep) {
    const std::time_t limit = std::chrono::system_clock::to_time_t(m_shared->now() - keep);
    std::size_t purged = 0;
    std::exception_ptr failure;
    for (const Drop& drop : allDrops(m_shared->layout)) {
        const fs::path path = m_shared->layout.deleted(drop);
        std::error_code error;
        if (purged >= kPurgeBatch || !fs::is_directory(path, error)) {
            continue;
        }
        try {
            purged += purgeFolder(m_shared->layout, Directory(path), limit, kPurgeBatch - purged);
        } catch (const Error&) {
            failure = failure ? failure : std::current_exception();
        }
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
    return purged;
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
