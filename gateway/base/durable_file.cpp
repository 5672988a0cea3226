#include "gateway/base/durable_file.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "gateway/base/error.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace gateway {

namespace {

/// Whether a file without a name can be given one: linkat() finds it through /proc, which a chroot
/// may lack.
bool canLinkUnnamed() {
    static const bool can = ::access("/proc/self/fd", X_OK) == 0;
    return can;
}

std::filesystem::path directoryOf(const std::filesystem::path& target) {
    return target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
}

}  // namespace

std::string temporaryName() {
    std::array<std::byte, 8> random{};
    fillRandom(random);
    return std::string(kTemporaryPrefix) + hexOf(random);
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        reset();
        m_number = other.m_number;
        other.m_number = -1;
    }
    return *this;
}

void Descriptor::reset() noexcept {
    if (m_number >= 0) {
        ::close(m_number);
        m_number = -1;
    }
}

Descriptor Descriptor::duplicate() const {
    return Descriptor(
        m_number < 0 ? -1
                     : check(::fcntl(m_number, F_DUPFD_CLOEXEC, 0), "duplicate", "a descriptor"));
}

Directory::Directory(std::filesystem::path path)
    : m_path(std::move(path)),
      m_handle(check(::open(m_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open",
                     m_path.native())) {
    struct stat found{};
    check(::fstat(m_handle.get(), &found), "stat", m_path.native());
    m_device = found.st_dev;
    m_inode = found.st_ino;
}

void Directory::sync() const { check(::fsync(m_handle.get()), "fsync", m_path.native()); }

bool Directory::isAtItsPath() const {
    struct stat found{};
    return ::stat(m_path.c_str(), &found) == 0 && found.st_dev == m_device &&
           found.st_ino == m_inode;
}

DurableFile::DurableFile(const std::filesystem::path& target, Existing existing, mode_t mode)
    : DurableFile(std::make_shared<const Directory>(directoryOf(target)), target.filename(),
                  existing, mode) {}

DurableFile::DurableFile(std::shared_ptr<const Directory> directory, std::string name,
                         Existing existing, mode_t mode)
    : m_directory(std::move(directory)), m_name(std::move(name)), m_existing(existing) {
    // A file without a name needs no sweep after a crash. Replacing needs a name to rename from.
    if (existing == Existing::Refuse && canLinkUnnamed()) {
        m_file =
            Descriptor(::openat(m_directory->get(), ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
        if (m_file) {
            return;
        }
        // What file systems and kernels without O_TMPFILE answer.
        if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
            throwErrno("create a file in", m_directory->path().native());
        }
    }
    std::string temporary = temporaryName();
    m_file = Descriptor(check(::openat(m_directory->get(), temporary.c_str(),
                                       O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, mode),
                              "create a file in", m_directory->path().native()));
    m_temporary = std::move(temporary);
}

DurableFile::~DurableFile() {
    if (!m_temporary.empty()) {
        ::unlinkat(m_directory->get(), m_temporary.c_str(), 0);
    }
}

std::string DurableFile::target() const { return m_directory->path() / m_name; }

void DurableFile::checkOpen() const {
    if (m_state != State::Open) {
        throw Error(Error::Kind::Internal,
                    "write " + target() + ": it was given up or is complete");
    }
}

void DurableFile::write(std::span<const std::byte> octets) {
    checkOpen();
    m_state = State::Failed;  // until all of it is written: a file with a hole must get no name
    while (!octets.empty()) {
        const ssize_t wrote = ::write(m_file.get(), octets.data(), octets.size());
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        check(wrote, "write", target());
        m_size += static_cast<std::uint64_t>(wrote);
        octets = octets.subspan(static_cast<std::size_t>(wrote));
    }
    m_state = State::Open;
}

void DurableFile::link() {
    checkOpen();
    m_state = State::Failed;  // a sync that failed is never tried again on this descriptor
    check(::fsync(m_file.get()), "fsync", target());
    giveName();
    m_state = State::Linked;
}

void DurableFile::giveName() {
    const int directory = m_directory->get();
    if (m_temporary.empty()) {
        const std::string self = "/proc/self/fd/" + std::to_string(m_file.get());
        check(::linkat(AT_FDCWD, self.c_str(), directory, m_name.c_str(), AT_SYMLINK_FOLLOW),
              "link", target());
    } else if (m_existing == Existing::Replace) {
        check(::renameat(directory, m_temporary.c_str(), directory, m_name.c_str()), "rename",
              target());
        m_temporary.clear();
    } else {
        // A link and not a rename, which would replace a file of that name.
        check(::linkat(directory, m_temporary.c_str(), directory, m_name.c_str(), 0), "link",
              target());
    }
}

void DurableFile::commit() {
    if (m_state != State::Linked) {
        link();
    }
    m_state = State::Failed;
    m_directory->sync();
    if (!m_directory->isAtItsPath()) {
        throw Error(Error::Kind::Disk,
                    "write " + target() + ": its folder was moved or replaced meanwhile");
    }
}

std::size_t sweepTemporaries(const std::filesystem::path& directory, int levels) {
    std::size_t removed = 0;
    std::error_code error;
    std::vector<std::filesystem::path> found;  // first: what is removed must not be walked over
    for (std::filesystem::recursive_directory_iterator entry(directory, error), end;
         !error && entry != end; entry.increment(error)) {
        if (entry.depth() >= levels) {
            entry.disable_recursion_pending();
        }
        if (entry->path().filename().native().starts_with(kTemporaryPrefix)) {
            found.push_back(entry->path());
        }
    }
    for (const std::filesystem::path& file : found) {
        removed += ::unlink(file.c_str()) == 0 ? 1 : 0;
    }
    return removed;
}

void makeDurableDirectory(const std::filesystem::path& directory, mode_t mode) {
    std::vector<std::filesystem::path> missing;
    for (std::filesystem::path path = directory; !path.empty() && path != path.root_path();
         path = path.parent_path()) {
        struct stat found{};
        if (::stat(path.c_str(), &found) == 0) {
            break;
        }
        if (errno != ENOENT) {
            throwErrno("stat", path.native());
        }
        missing.push_back(path);
    }
    for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
        if (::mkdir(path->c_str(), mode) != 0 && errno != EEXIST) {
            throwErrno("mkdir", path->native());
        }
        syncDirectory(directoryOf(*path));
    }
}

void syncDirectory(const std::filesystem::path& directory) { Directory(directory).sync(); }

void syncFileSystem(const std::filesystem::path& directory) {
    const Directory handle(directory);
    check(::syncfs(handle.get()), "syncfs", directory.native());
}

void writeDurably(const std::filesystem::path& target, std::string_view text,
                  DurableFile::Existing existing, mode_t mode) {
    DurableFile file(target, existing, mode);
    file.write(octetsOf(text));
    file.commit();
}

std::string readWhole(const std::filesystem::path& file, std::size_t most) {
    // O_NONBLOCK: a pipe of that name must not hold whoever reads for ever.
    const Descriptor handle(
        check(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC), "open", file.native()));
    struct stat found{};
    check(::fstat(handle.get(), &found), "look at", file.native());
    if (!S_ISREG(found.st_mode)) {
        throw Error(Error::Kind::Corrupt, "read " + file.native() + ": it is no plain file");
    }
    std::string text;
    std::array<char, 16384> buffer{};
    for (;;) {
        const ssize_t got = ::read(handle.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        check(got, "read", file.native());
        if (got == 0) {
            return text;
        }
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > most) {
            throw Error(Error::Kind::Corrupt, "read " + file.native() + ": larger than " +
                                                  describeSize(most) + ", which no such file is");
        }
    }
}

}  // namespace gateway
