#include "gateway/store/directory_store.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/age_stream.h"
#include "gateway/base/error.h"
#include "gateway/mail/ownership.h"
#include "gateway/store/directory_incoming.h"

namespace gateway {

namespace {

constexpr std::chrono::seconds kSettled{60};  ///< SPEC section 3: younger ones may be a slow copy

WallTime changeOf(const struct stat& file) {
    const auto since =
        std::chrono::seconds(file.st_ctim.tv_sec) + std::chrono::nanoseconds(file.st_ctim.tv_nsec);
    return WallTime(std::chrono::duration_cast<WallTime::duration>(since));
}

class DirectoryOutgoing final : public Outgoing {
public:
    DirectoryOutgoing(Descriptor file, std::uint64_t size, std::string path)
        : m_file(std::move(file)), m_size(size), m_path(std::move(path)) {}
    std::uint64_t size() const override { return m_size; }
    std::size_t read(std::span<std::byte> into) override {
        for (;;) {
            const ssize_t got = ::read(m_file.get(), into.data(), into.size());
            if (got >= 0 || errno != EINTR) {
                return static_cast<std::size_t>(check(got, "read", m_path));
            }
        }
    }

private:
    Descriptor m_file;
    std::uint64_t m_size;
    std::string m_path;
};

/// Nothing where there is no such file.
std::unique_ptr<Outgoing> openSealed(const Layout& layout, const std::filesystem::path& path) {
    // O_NONBLOCK: a pipe of that name must not hold a worker for ever.
    Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) {
        if (errno == ENOENT) {
            return nullptr;
        }
        throwErrnoFor(layout, "open", path);
    }
    struct stat found{};
    check(::fstat(file.get(), &found), "stat", path.native());
    if (!S_ISREG(found.st_mode)) {
        throw Error(Error::Kind::Corrupt, "open " + path.native() + ": it is no plain file");
    }
    return std::make_unique<DirectoryOutgoing>(
        std::move(file), static_cast<std::uint64_t>(found.st_size), path.native());
}

/// Judges one name of a folder, and adds it where it belongs.
class Judge {
public:
    Judge(const DirectoryStore::Shared& shared, const Directory& folder, Listing& listing)
        : m_layout(shared.layout), m_now(shared.now()), m_folder(folder), m_listing(listing) {}

    void judge(const std::string& name) {
        struct stat file{};
        if (::fstatat(m_folder.get(), name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno != ENOENT) {
                throwErrnoFor(m_layout, "stat", m_folder.path() / name);
            }
            return;
        }
        const auto id = MessageId::parse(name);
        if (!id || !S_ISREG(file.st_mode)) {
            return judgeForeign(name, file);
        }
        const auto size = static_cast<std::uint64_t>(file.st_size);
        if (!crypto::plaintextSize(size)) {
            if (isSettled(file)) {
                leaveOut(name, "no whole message has " + std::to_string(size) +
                                   " octets: copy it here once more, or move it away");
            }
        } else if (file.st_uid != ::geteuid() &&
                   ::faccessat(m_folder.get(), name.c_str(), R_OK, AT_EACCESS) != 0) {
            leaveOut(name, "the server may not read it: run `" +
                               chownLine(m_layout, m_folder.path() / name) + "`");
        } else {
            m_listing.messages.emplace_back(*id, size, changeOf(file));
        }
    }

private:
    bool isSettled(const struct stat& file) const { return m_now - changeOf(file) >= kSettled; }

    void judgeForeign(const std::string& name, const struct stat& file) {
        if (name.starts_with(kTemporaryPrefix) || (name == "deleted" && S_ISDIR(file.st_mode))) {
            return;
        }
        if (!S_ISREG(file.st_mode)) {
            leaveOut(name, "it is no plain file: move it away");
        } else if (isSettled(file)) {
            leaveOut(name, "its name is none of a message: move it away");
        }
    }

    void leaveOut(const std::string& name, std::string why) {
        m_listing.leftOut.emplace_back(m_folder.path() / name, std::move(why));
    }

    const Layout& m_layout;
    const WallTime m_now;
    const Directory& m_folder;
    Listing& m_listing;
};

}  // namespace

DirectoryStore::DirectoryStore(Layout layout, std::function<WallTime()> now)
    : m_shared(std::make_shared<Shared>(layout, std::move(now))) {}

DirectoryStore::~DirectoryStore() = default;

std::unique_ptr<Incoming> DirectoryStore::begin(const Drop& drop, const MessageId& id) {
    return std::make_unique<DirectoryIncoming>(m_shared, drop, id);
}

Listing DirectoryStore::list(const Drop& drop) {
    Listing listing;
    const auto folder = openIfThere(m_shared->layout, m_shared->layout.drop(drop));
    if (!folder) {
        return listing;
    }
    const std::vector<std::string> names = namesIn(*folder);
    // Asked after the names were read: one that was given later is not among them, one that was
    // given before is durable by now or still in the set.
    const std::set<MessageId> arriving = m_shared->arriving.in(drop);
    Judge judge(*m_shared, *folder, listing);
    for (const std::string& name : names) {
        const auto id = arriving.empty() ? std::nullopt : MessageId::parse(name);
        if (!id || !arriving.contains(*id)) {
            judge.judge(name);
        }
    }
    std::sort(listing.messages.begin(), listing.messages.end(),
              [](const StoredMessage& a, const StoredMessage& b) { return a.id < b.id; });
    std::sort(listing.leftOut.begin(), listing.leftOut.end(),
              [](const LeftOut& a, const LeftOut& b) { return a.path < b.path; });
    return listing;
}

std::unique_ptr<Outgoing> DirectoryStore::open(const Drop& drop, const MessageId& id) {
    if (m_shared->arriving.in(drop).contains(id)) {
        return nullptr;
    }
    return openSealed(m_shared->layout, m_shared->layout.message(drop, id));
}

std::unique_ptr<Outgoing> DirectoryStore::openDeleted(const Drop& drop, const MessageId& id) {
    return openSealed(m_shared->layout, m_shared->layout.deletedMessage(drop, id));
}

}  // namespace gateway
