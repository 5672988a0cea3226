// The directory store's way back: messages that were fetched and deleted, until they are purged.
// Never puts one over another file, never shows one before its name is synced.
#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/error.h"
#include "gateway/mail/ownership.h"
#include "gateway/store/directory_incoming.h"

namespace gateway {

namespace {

/// Nothing where the folder has no such name.
std::optional<struct stat> statIn(const Layout& layout, const Directory& folder,
                                  const std::string& name) {
    struct stat found{};
    if (::fstatat(folder.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
        return found;
    }
    if (errno != ENOENT) {
        throwErrnoFor(layout, "stat", folder.path() / name);
    }
    return std::nullopt;
}

/// One message's move out of deleted/, taken back where not all of it came about.
class Return {
public:
    Return(const Layout& layout, const Directory& folder, const Directory& deleted,
           const MessageId& id)
        : m_layout(layout), m_folder(folder), m_deleted(deleted), m_name(id.str()) {}

    Restoration move() {
        const char* const name = m_name.c_str();
        if (::renameat2(m_deleted.get(), name, m_folder.get(), name, RENAME_NOREPLACE) == 0) {
            return Restoration::Restored;
        }
        // For file systems that know no RENAME_NOREPLACE; a plain rename could replace.
        m_linked = errno == EINVAL || errno == ENOSYS;
        if (m_linked && ::linkat(m_deleted.get(), name, m_folder.get(), name, 0) == 0) {
            return Restoration::Restored;
        }
        if (errno == EEXIST) {
            return Restoration::Waiting;
        }
        if (errno == ENOENT) {
            return Restoration::Unknown;
        }
        throwErrnoFor(m_layout, "restore messages in", m_folder.path());
    }

    /// The new name first: whatever a power cut leaves, the message has one of the two.
    void sync() {
        m_folder.sync();
        if (m_linked && ::unlinkat(m_deleted.get(), m_name.c_str(), 0) != 0 && errno != ENOENT) {
            throwErrnoFor(m_layout, "restore messages in", m_folder.path());
        }
        m_deleted.sync();
        if (!m_folder.isAtItsPath()) {
            throw Error(Error::Kind::Disk, "restore messages in " + m_folder.path().native() +
                                               ": the folder was moved or replaced meanwhile");
        }
    }

    /// Whether the message is where it was.
    bool takeBack() noexcept {
        const char* const name = m_name.c_str();
        if (::linkat(m_folder.get(), name, m_deleted.get(), name, 0) != 0 && errno != EEXIST) {
            return errno == ENOENT;  // it was not moved
        }
        return ::unlinkat(m_folder.get(), name, 0) == 0;
    }

private:
    const Layout& m_layout;
    const Directory& m_folder;
    const Directory& m_deleted;
    const std::string m_name;
    bool m_linked = false;
};

}  // namespace

std::vector<DeletedMessage> DirectoryStore::listDeleted(const Drop& drop) {
    std::vector<DeletedMessage> messages;
    const Layout& layout = m_shared->layout;
    const auto deleted = openIfThere(layout, layout.deleted(drop));
    if (!deleted) {
        return messages;
    }
    for (const std::string& name : namesIn(*deleted)) {
        const auto id = MessageId::parse(name);
        const auto file = id ? statIn(layout, *deleted, name) : std::nullopt;
        if (file && S_ISREG(file->st_mode)) {
            // As purge() reckons it: the move into the folder changed the inode.
            messages.emplace_back(*id, static_cast<std::uint64_t>(file->st_size),
                                  std::chrono::system_clock::from_time_t(file->st_ctim.tv_sec));
        }
    }
    std::sort(messages.begin(), messages.end(),
              [](const DeletedMessage& a, const DeletedMessage& b) { return a.id < b.id; });
    return messages;
}

Restoration DirectoryStore::restore(const Drop& drop, const MessageId& id) {
    const Layout& layout = m_shared->layout;
    const auto folder = openIfThere(layout, layout.drop(drop));
    if (!folder) {
        return Restoration::Unknown;
    }
    if (statIn(layout, *folder, id.str())) {
        folder->sync();  // an earlier try may have failed after the move
        m_shared->arriving.take(drop, id);
        return Restoration::Waiting;
    }
    const auto deleted = openIfThere(layout, layout.deleted(drop));
    const auto file = deleted ? statIn(layout, *deleted, id.str()) : std::nullopt;
    if (!file) {
        return Restoration::Unknown;
    }
    if (!S_ISREG(file->st_mode)) {
        throw Error(Error::Kind::Corrupt, "restore " + layout.deletedMessage(drop, id).native() +
                                              ": it is no plain file; move it away");
    }
    Return back(layout, *folder, *deleted, id);
    m_shared->arriving.add(drop, id);
    try {
        const Restoration result = back.move();
        if (result == Restoration::Restored) {
            back.sync();
        }
        m_shared->arriving.take(drop, id);
        return result;
    } catch (const Error&) {
        // A name that cannot be taken away again stays hidden: nobody was told that it is durable.
        if (back.takeBack()) {
            m_shared->arriving.take(drop, id);
        }
        throw;
    }
}

}  // namespace gateway
