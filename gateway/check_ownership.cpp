// Owners and modes below the data directory, for `postern check` and `check --fix`.
// Never follows a link, for as root it changes owners in a directory that another user may write.
#include <array>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/check.h"
#include "gateway/mail/ownership.h"

namespace gateway {

namespace {

/// mailboxes/<mailbox>/<recipient>/deleted/<file> is the deepest there is.
constexpr int kDeepest = 8;

struct CloseDirectory {
    void operator()(DIR* directory) const { ::closedir(directory); }
};
using OpenDirectory = std::unique_ptr<DIR, CloseDirectory>;

class OwnershipWalk {
public:
    OwnershipWalk(const Layout& layout, bool fix, CheckReport& report)
        : m_layout(layout), m_fix(fix), m_report(report) {}

    void run() {
        Descriptor root(check(::open(m_layout.data().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                              "open", m_layout.data().native()));
        check(::fstat(root.get(), &m_data), "look at", m_layout.data().native());
        walk(std::move(root), m_layout.data(), 0);
        if (m_findings == 0) {
            m_report.ok("owners", std::to_string(m_files) + " files and folders below " +
                                      m_layout.data().native() + " are their owner's");
        }
    }

private:
    void walk(Descriptor folder, const std::filesystem::path& path, int depth) {
        // fdopendir() takes the descriptor over.
        const int number = ::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0);
        const OpenDirectory directory(::fdopendir(number));
        if (!directory) {
            throwErrnoFor(m_layout, "read", path);
        }
        while (const dirent* entry = ::readdir(directory.get())) {
            const std::string_view name = entry->d_name;
            if (name != "." && name != ".." && !(depth == 0 && name == "lost+found")) {
                visit(folder, entry->d_name, path / name, depth);
            }
        }
    }

    void visit(const Descriptor& folder, const char* name, const std::filesystem::path& path,
               int depth) {
        struct stat found{};
        if (::fstatat(folder.get(), name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
            return;  // removed meanwhile
        }
        ++m_files;
        const bool isFolder = S_ISDIR(found.st_mode);
        if (!isFolder && !S_ISREG(found.st_mode)) {
            return;
        }
        if (found.st_uid != m_data.st_uid) {
            judge(path,
                  "belongs to uid " + std::to_string(found.st_uid) +
                      ", the data directory to uid " + std::to_string(m_data.st_uid),
                  chownLine(m_layout, path), [&] { return give(folder, name, isFolder); });
            return;
        }
        const mode_t needed = isFolder ? S_IRWXU : S_IRUSR;
        if ((found.st_mode & needed) != needed) {
            judge(path, "is closed to its owner",
                  (isFolder ? "chmod u+rwx " : "chmod u+r ") + path.native(),
                  [&] { return setMode(folder, name, (found.st_mode & 07777) | needed); });
        } else if (isSecret(path) && (found.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
            judge(path, "holds a secret and is open to others", "chmod go-rwx " + path.native(),
                  [&] { return setMode(folder, name, found.st_mode & S_IRWXU); });
        }
        if (isFolder && depth < kDeepest) {
            Descriptor inner = openFolder(folder, name);
            if (inner) {
                walk(std::move(inner), path, depth + 1);
            } else if (errno == EACCES) {
                throwErrnoFor(m_layout, "open", path);
            }
        }
    }

    /// The signing key of the node, the keys of certificates, and what a password can be tried
    /// against.
    bool isSecret(const std::filesystem::path& path) const {
        return path == m_layout.node() || path == m_layout.nodeFile() || path == m_layout.tls() ||
               path == m_layout.admins() || path.extension() == ".key";
    }

    template <typename Mend>
    void judge(const std::filesystem::path& path, const std::string& what,
               const std::string& command, Mend mend) {
        ++m_findings;
        if (m_fix && mend()) {
            m_report.fixed("owners", path.native() + " " + what, command);
        } else {
            m_report.problem("owners", path.native() + " " + what, command);
        }
    }

    static Descriptor openFolder(const Descriptor& folder, const char* name) {
        return Descriptor(
            ::openat(folder.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    }

    /// Gives a file, or a folder and what is in it, to the owner of the data directory.
    bool give(const Descriptor& folder, const char* name, bool isFolder) const {
        const Descriptor file(
            ::openat(folder.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        struct stat found{};
        if (!file || ::fstat(file.get(), &found) != 0 || S_ISDIR(found.st_mode) != isFolder) {
            return false;
        }
        // A second name may be one outside, planted by the directory's owner.
        if (!isFolder && (!S_ISREG(found.st_mode) || found.st_nlink != 1)) {
            return false;
        }
        if (isFolder && !giveContents(file)) {
            return false;
        }
        return ::fchown(file.get(), m_data.st_uid, m_data.st_gid) == 0;
    }

    bool giveContents(const Descriptor& folder) const {
        const OpenDirectory directory(::fdopendir(::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0)));
        bool all = directory != nullptr;
        while (const dirent* entry = all ? ::readdir(directory.get()) : nullptr) {
            const std::string_view name = entry->d_name;
            struct stat found{};
            if (name == "." || name == ".." ||
                ::fstatat(folder.get(), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) != 0) {
                continue;
            }
            if (S_ISDIR(found.st_mode) || S_ISREG(found.st_mode)) {
                all = give(folder, entry->d_name, S_ISDIR(found.st_mode));
            }
        }
        return all;
    }

    static bool setMode(const Descriptor& folder, const char* name, mode_t mode) {
        const Descriptor file(
            ::openat(folder.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        return file && ::fchmod(file.get(), mode) == 0;
    }

    const Layout& m_layout;
    bool m_fix;
    CheckReport& m_report;
    struct stat m_data{};
    std::size_t m_files = 0;
    std::size_t m_findings = 0;
};

}  // namespace

void checkOwnership(const Config& config, bool fix, CheckReport& report) {
    const Layout layout(config.data);
    OwnershipWalk(layout, fix, report).run();
}

}  // namespace gateway
