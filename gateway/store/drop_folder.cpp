#include "gateway/store/drop_folder.h"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/error.h"
#include "gateway/mail/ownership.h"

namespace gateway {

namespace {

/// The names in a folder, none where it cannot be read: list() and `check` say so.
std::vector<std::string> readableNames(const std::filesystem::path& folder) {
    try {
        return namesIn(Directory(folder));
    } catch (const Error&) {
        return {};
    }
}

}  // namespace

void DropFolder::sync() {
    std::unique_lock lock(m_mutex);
    if (!m_next) {
        m_next = std::make_shared<Round>();
    }
    const std::shared_ptr<Round> mine = m_next;
    ++mine->waiting;
    while (!mine->over && !m_failure) {
        if (m_running) {
            m_roundOver.wait(lock);
        } else {
            run(lock, mine);
        }
    }
    if (!mine->over) {
        std::rethrow_exception(m_failure);
    }
}

void DropFolder::run(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Round>& round) {
    m_running = true;
    m_next.reset();  // who comes from now on was perhaps too late for this sync
    lock.unlock();
    std::exception_ptr failure;
    try {
        m_directory->sync();
    } catch (const Error&) {
        failure = std::current_exception();  // thrown again by every call that waits for it
    }
    lock.lock();
    m_running = false;
    m_failure = failure;
    round->over = !failure;
    m_roundOver.notify_all();
}

bool DropFolder::usable() {
    const std::lock_guard lock(m_mutex);
    return !m_failure;
}

int DropFolder::waiting() {
    const std::lock_guard lock(m_mutex);
    return m_next ? m_next->waiting : 0;
}

std::shared_ptr<DropFolder> DropFolders::open(const Drop& drop) {
    makeDurable(m_layout.mailboxes());
    makeDurable(m_layout.mailbox(drop.mailbox));
    const std::filesystem::path path = m_layout.drop(drop);
    const Identity identity = makeDurable(path);
    const auto isThis = [&identity](const Directory& directory) {
        return Identity(directory.device(), directory.inode()) == identity;
    };
    {
        const std::lock_guard lock(m_mutex);
        const auto known = m_open.find(drop);
        if (known != m_open.end() && known->second->usable() &&
            isThis(*known->second->directory())) {
            return known->second;
        }
    }
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
        throwErrnoFor(m_layout, "deliver into", path);
    }
    auto folder = std::make_shared<DropFolder>(path);
    if (!isThis(*folder->directory())) {
        throw Error(Error::Kind::Disk,
                    "deliver into " + path.native() + ": the folder was replaced at this moment");
    }
    const std::lock_guard lock(m_mutex);
    if (m_open.size() >= kKeptOpen) {
        m_open.clear();  // those in use live on with their users
    }
    m_open.insert_or_assign(drop, folder);
    return folder;
}

DropFolders::Identity DropFolders::makeDurable(const std::filesystem::path& folder) {
    struct stat found{};
    if (::stat(folder.c_str(), &found) == 0) {
        const std::lock_guard lock(m_mutex);
        const auto known = m_durable.find(folder.native());
        if (known != m_durable.end() && known->second == Identity(found.st_dev, found.st_ino)) {
            return known->second;
        }
    } else if (errno != ENOENT) {
        throwErrnoFor(m_layout, "stat", folder);
    }
    // All by the same open parent, so that what is synced is what holds the folder.
    const Directory parent(folder.parent_path());
    const std::string name = folder.filename();
    if (::mkdirat(parent.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
        throwErrnoFor(m_layout, "mkdir", folder);
    }
    if (::fstatat(parent.get(), name.c_str(), &found, 0) != 0) {
        throwErrnoFor(m_layout, "stat", folder);
    }
    parent.sync();
    const Identity identity(found.st_dev, found.st_ino);
    const std::lock_guard lock(m_mutex);
    m_durable.insert_or_assign(folder.native(), identity);
    return identity;
}

std::optional<Directory> openIfThere(const Layout& layout, const std::filesystem::path& path) {
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        throwErrnoFor(layout, "open", path);
    }
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK | X_OK, AT_EACCESS) != 0) {
        throwErrnoFor(layout, "open", path);
    }
    return std::make_optional<Directory>(path);
}

std::vector<std::string> namesIn(const Directory& directory) {
    // A handle of its own, for reading moves its position.
    const int handle = check(::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                             "open", directory.path().native());
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(handle), ::closedir);
    if (!stream) {
        throwErrno("read", directory.path().native());
    }
    std::vector<std::string> names;
    for (;;) {
        errno = 0;
        // Safe on a stream of one's own (POSIX.1-2024).
        const dirent* const entry = ::readdir(stream.get());
        if (entry == nullptr) {
            check(errno == 0 ? 0 : -1, "read", directory.path().native());
            return names;
        }
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
}

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

}  // namespace gateway
