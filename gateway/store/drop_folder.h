// The folders that messages are delivered into: made durably, opened once, their syncs shared.
// Never calls a name durable that a sync begun earlier may have missed.
#pragma once

#include <condition_variable>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/durable_file.h"
#include "gateway/mail/layout.h"

namespace gateway {

/// One open folder. Any thread.
class DropFolder {
public:
    explicit DropFolder(std::filesystem::path path)
        : m_directory(std::make_shared<const Directory>(std::move(path))) {}

    const std::shared_ptr<const Directory>& directory() const { return m_directory; }

    /// Returns when every name that was given in the folder before the call is durable. Calls that
    /// wait at the same time share one sync, but never one that began before they came. Throws
    /// Error where the sync failed, and from then on always: the descriptor is not tried again.
    void sync();
    /// False once a sync has failed: deliveries that begin need a newly opened folder.
    bool usable();
    /// How many calls wait for a sync that has not begun.
    int waiting();

private:
    struct Round {
        bool over = false;
        int waiting = 0;
    };
    void run(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Round>& round);

    std::shared_ptr<const Directory> m_directory;
    std::mutex m_mutex;
    std::condition_variable m_roundOver;
    std::shared_ptr<Round> m_next;  ///< the sync that has not begun; who comes now is covered by it
    bool m_running = false;
    std::exception_ptr m_failure;
};

/// All folders in use. Any thread.
class DropFolders {
public:
    explicit DropFolders(Layout layout) : m_layout(std::move(layout)) {}

    /// The folder of `drop`, made where it is missing. Its name and those of its parents are
    /// durable: each is synced in its parent once, also where it existed, for another process may
    /// have died before it could.
    std::shared_ptr<DropFolder> open(const Drop& drop);

private:
    /// Each costs a descriptor; a folder that is not among them is opened anew.
    static constexpr std::size_t kKeptOpen = 128;

    using Identity = std::pair<dev_t, ino_t>;
    Identity makeDurable(const std::filesystem::path& folder);

    Layout m_layout;
    std::mutex m_mutex;
    std::map<std::string, Identity> m_durable;
    std::map<Drop, std::shared_ptr<DropFolder>> m_open;  ///< at most kKeptOpen
};

/// An open folder, or nothing where there is none. Throws Error where it may not be read.
std::optional<Directory> openIfThere(const Layout& layout, const std::filesystem::path& path);

/// The drops that have a folder; what has another name is not ours.
std::vector<Drop> allDrops(const Layout& layout);

/// The names in a directory, in no order, without `.` and `..`.
std::vector<std::string> namesIn(const Directory& directory);

}  // namespace gateway
