// The directory store's last way out: deleted messages that were kept long enough, or that space is
// needed of. Never touches one whose removal is not durable yet, or a file that is not ours.
#include <algorithm>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <queue>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/error.h"
#include "gateway/mail/ownership.h"
#include "gateway/store/directory_incoming.h"

namespace gateway {

namespace {

namespace fs = std::filesystem;

/// A deleted message. Its time is that of the last change of the inode: the move into deleted/, for
/// a rename leaves the modification time as it is.
struct Candidate {
    Candidate(const Drop& from, std::string file, timespec at)
        : drop(from), name(std::move(file)), deleted(at) {}
    Drop drop;
    std::string name;
    timespec deleted;
    bool operator<(const Candidate& other) const {
        return deleted.tv_sec != other.deleted.tv_sec ? deleted.tv_sec < other.deleted.tv_sec
                                                      : deleted.tv_nsec < other.deleted.tv_nsec;
    }
};

/// Purges one store's deleted messages; throws the first Error at the end, after all were tried.
class Purge {
public:
    Purge(DirectoryStore::Shared& shared, const DirectoryStore::OnPurged& onPurged)
        : m_shared(shared), m_onPurged(onPurged) {}

    /// At most kPurgeBatch of those deleted by `limit`, whichever are found first.
    std::vector<Candidate> some(std::time_t limit) {
        std::vector<Candidate> found;
        visit([&](const Drop& drop, const std::string& name, const timespec& deleted) {
            if (deleted.tv_sec <= limit) {
                found.emplace_back(drop, name, deleted);
            }
            return found.size() < DirectoryStore::kPurgeBatch;
        });
        return found;
    }

    /// The kPurgeBatch that were deleted first, in that order.
    std::vector<Candidate> oldest() {
        std::priority_queue<Candidate> kept;
        visit([&](const Drop& drop, const std::string& name, const timespec& deleted) {
            kept.emplace(drop, name, deleted);
            if (kept.size() > DirectoryStore::kPurgeBatch) {
                kept.pop();
            }
            return true;
        });
        std::vector<Candidate> candidates;
        for (; !kept.empty(); kept.pop()) {
            candidates.push_back(kept.top());
        }
        std::reverse(candidates.begin(), candidates.end());
        return candidates;
    }

    /// Returns the octets that this gave back; nothing where the message stays or is gone.
    std::optional<std::uint64_t> purge(const Candidate& candidate) {
        std::optional<std::uint64_t> freed;
        attempt([&] {
            if (!m_open || m_open->first != candidate.drop) {
                m_open.reset();
                m_open.emplace(candidate.drop, std::make_shared<Directory>(
                                                   m_shared.layout.deleted(candidate.drop)));
            }
            m_shared.removals.unless(candidate.drop,
                                     [&] { freed = unlinkUnchanged(*m_open->second, candidate); });
        });
        if (const auto id = MessageId::parse(candidate.name); freed && id && m_onPurged) {
            m_onPurged(candidate.drop.mailbox, *id);
        }
        return freed;
    }

    void throwFailure() const {
        if (m_failure) {
            std::rethrow_exception(m_failure);
        }
    }

private:
    template <typename Work>
    void attempt(Work work) {
        try {
            work();
        } catch (const Error&) {
            m_failure = m_failure ? m_failure : std::current_exception();
        }
    }

    /// Calls `take(drop, name, when it was deleted)` for each deleted message while it returns
    /// true.
    template <typename Take>
    void visit(Take take) {
        bool more = true;
        for (const Drop& drop : allDrops(m_shared.layout)) {
            const fs::path path = m_shared.layout.deleted(drop);
            std::error_code error;
            if (more && fs::is_directory(path, error)) {
                attempt([&] { more = visitFolder(drop, Directory(path), take); });
            }
        }
    }

    template <typename Take>
    static bool visitFolder(const Drop& drop, const Directory& deleted, Take& take) {
        for (const std::string& name : namesIn(deleted)) {
            struct stat file{};
            if (MessageId::parse(name) &&
                ::fstatat(deleted.get(), name.c_str(), &file, AT_SYMLINK_NOFOLLOW) == 0 &&
                !take(drop, name, file.st_ctim)) {
                return false;
            }
        }
        return true;
    }

    std::optional<std::uint64_t> unlinkUnchanged(const Directory& deleted,
                                                 const Candidate& candidate) const {
        struct stat file{};
        const char* const name = candidate.name.c_str();
        if (::fstatat(deleted.get(), name, &file, AT_SYMLINK_NOFOLLOW) != 0 ||
            candidate < Candidate(candidate.drop, candidate.name, file.st_ctim)) {
            return std::nullopt;  // restored, and perhaps deleted once more
        }
        if (::unlinkat(deleted.get(), name, 0) != 0) {
            throwErrnoFor(m_shared.layout, "purge", deleted.path());
        }
        constexpr std::uint64_t kBlock = 512;  // POSIX
        return static_cast<std::uint64_t>(file.st_blocks) * kBlock;
    }

    DirectoryStore::Shared& m_shared;
    const DirectoryStore::OnPurged& m_onPurged;
    std::exception_ptr m_failure;
    std::optional<std::pair<Drop, std::shared_ptr<Directory>>> m_open;  ///< the last deleted/ used
};

}  // namespace

std::size_t DirectoryStore::purge(std::chrono::seconds keep, const OnPurged& onPurged) {
    Purge purge(*m_shared, onPurged);
    std::size_t purged = 0;
    const std::time_t limit = std::chrono::system_clock::to_time_t(m_shared->now() - keep);
    for (const Candidate& candidate : purge.some(limit)) {
        purged += purge.purge(candidate) ? 1 : 0;
    }
    purge.throwFailure();
    return purged;
}

DirectoryStore::Purged DirectoryStore::purgeOldest(std::uint64_t octets, const OnPurged& onPurged) {
    Purge purge(*m_shared, onPurged);
    Purged purged;
    for (const Candidate& candidate : purge.oldest()) {
        if (purged.octets >= octets) {
            break;
        }
        if (const auto freed = purge.purge(candidate)) {
            ++purged.messages;
            purged.octets += *freed;
            purged.youngest = std::chrono::system_clock::from_time_t(candidate.deleted.tv_sec);
        }
    }
    if (purged.messages == 0) {
        purge.throwFailure();
    }
    return purged;
}

}  // namespace gateway
