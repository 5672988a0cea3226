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

Descriptor openDirectory(const std::filesystem::path& directory) {
    return Descriptor(check(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open",
                            directory.native()));
}

std::filesystem::path temporaryBeside(const std::filesystem::path& target) {
    std::array<std::byte, 8> random{};
    fillRandom(random);
    return target.parent_path() / (std::string(kTemporaryPrefix) + hexOf(random));
}

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

DurableFile::DurableFile(std::filesystem::path target, Existing existing, mode_t mode)
    : m_target(std::move(target)), m_existing(existing) {
    // A file without a name needs no sweep after a crash. Replacing needs a name to rename from.
    if (existing == Existing::Refuse && canLinkUnnamed()) {
        const std::filesystem::path directory = directoryOf(m_target);
        m_file = Descriptor(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, mode));
        if (m_file) {
            return;
        }
        // What file systems and kernels without O_TMPFILE answer.
        if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
            throwErrno("open", directory.native());
        }
    }
    m_temporary = temporaryBeside(m_target);
    m_file = Descriptor(check(
        ::open(m_temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, mode),
        "create", m_temporary.native()));
}

DurableFile::~DurableFile() {
    if (!m_temporary.empty()) {
        ::unlink(m_temporary.c_str());
    }
}

void DurableFile::write(std::span<const std::byte> octets) {
    while (!octets.empty()) {
        const ssize_t wrote = ::write(m_file.get(), octets.data(), octets.size());
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        check(wrote, "write", m_target.native());
        m_size += static_cast<std::uint64_t>(wrote);
        octets = octets.subspan(static_cast<std::size_t>(wrote));
    }
}

void DurableFile::syncData() { check(::fsync(m_file.get()), "fsync", m_target.native()); }

void DurableFile::link() {
    syncData();
    if (m_temporary.empty()) {
        const std::string self = "/proc/self/fd/" + std::to_string(m_file.get());
        check(::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, m_target.c_str(), AT_SYMLINK_FOLLOW),
              "link", m_target.native());
    } else if (m_existing == Existing::Replace) {
        check(::rename(m_temporary.c_str(), m_target.c_str()), "rename", m_target.native());
        m_temporary.clear();
    } else {
        // link() and not rename(): rename would replace a file of that name.
        check(::link(m_temporary.c_str(), m_target.c_str()), "link", m_target.native());
    }
    m_linked = true;
}

void DurableFile::commit() {
    if (!m_linked) {
        link();
    }
    syncDirectory(directoryOf(m_target));
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

void syncDirectory(const std::filesystem::path& directory) {
    const Descriptor handle = openDirectory(directory);
    check(::fsync(handle.get()), "fsync", directory.native());
}

void writeDurably(const std::filesystem::path& target, std::string_view text,
                  DurableFile::Existing existing, mode_t mode) {
    DurableFile file(target, existing, mode);
    file.write(octetsOf(text));
    file.commit();
}

std::string readWhole(const std::filesystem::path& file, std::size_t most) {
    const Descriptor handle(
        check(::open(file.c_str(), O_RDONLY | O_CLOEXEC), "open", file.native()));
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
