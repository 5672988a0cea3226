// Files and directories that survive a power cut. Every fsync of the program is in this file's
// implementation. Never retries a failed sync on the same descriptor: after one, the kernel may
// call pages clean that never reached the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace gateway {

/// Owns a file descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int number) : m_number(number) {}
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    Descriptor(Descriptor&& other) noexcept : m_number(other.m_number) { other.m_number = -1; }
    Descriptor& operator=(Descriptor&& other) noexcept;
    int get() const { return m_number; }
    explicit operator bool() const { return m_number >= 0; }
    void reset() noexcept;
    /// Another descriptor of the same open file; none of none. Throws Error(Disk).
    Descriptor duplicate() const;

private:
    int m_number = -1;
};

/// An open directory. What is made through it lands in it, whatever happens to its path meanwhile;
/// isAtItsPath() tells whether others find it there. Immutable; any thread.
class Directory {
public:
    explicit Directory(std::filesystem::path path);
    int get() const { return m_handle.get(); }
    const std::filesystem::path& path() const { return m_path; }
    /// Syncs the names in it.
    void sync() const;
    /// Whether its path still leads to this very directory: it was neither moved nor replaced.
    bool isAtItsPath() const;
    dev_t device() const { return m_device; }
    ino_t inode() const { return m_inode; }

private:
    std::filesystem::path m_path;
    Descriptor m_handle;
    dev_t m_device = 0;
    ino_t m_inode = 0;
};

/// A new file that is there whole or not at all. Until commit() nothing is visible under its name;
/// destroyed uncommitted it leaves nothing. Blocking: for workers and commands, not for the I/O
/// thread. Every member throws Error (Disk, DiskFull, Permission).
class DurableFile {
public:
    enum class Existing {
        Refuse,  ///< commit() fails where the name exists; nothing is ever replaced
        Replace  ///< commit() replaces it in one step: a reader sees the old file or the new one
    };

    /// `target` is the final path; its directory must exist.
    DurableFile(const std::filesystem::path& target, Existing existing, mode_t mode = 0600);
    DurableFile(std::shared_ptr<const Directory> directory, std::string name, Existing existing,
                mode_t mode = 0600);
    ~DurableFile();
    DurableFile(const DurableFile&) = delete;
    DurableFile& operator=(const DurableFile&) = delete;

    void write(std::span<const std::byte> octets);

    /// Syncs the data and gives the file its name; the name itself is durable only after the
    /// directory was synced. For callers that share one Directory::sync() among several files.
    void link();
    /// link(), then syncs the directory. The file is there after a power cut once this returned;
    /// throws also where the directory is no longer the one at its path.
    void commit();

    std::uint64_t size() const { return m_size; }

private:
    enum class State { Open, Linked, Failed };
    std::string target() const;
    void checkOpen() const;
    void giveName();

    std::shared_ptr<const Directory> m_directory;
    std::string m_name;
    std::string m_temporary;  ///< empty where the file has no name yet (O_TMPFILE)
    Existing m_existing;
    Descriptor m_file;
    std::uint64_t m_size = 0;
    State m_state = State::Open;
};

/// The prefix of every temporary name a DurableFile may leave after a crash, for the sweep at
/// start.
inline constexpr std::string_view kTemporaryPrefix = ".postern-tmp-";
/// A new name with that prefix.
std::string temporaryName();

/// Removes such names from `directory`, and from those in it as many levels down as `levels` says;
/// returns how many. For whoever alone writes there, before it does. What cannot be removed stays:
/// it is in nobody's way.
std::size_t sweepTemporaries(const std::filesystem::path& directory, int levels = 0);

/// Makes `directory` and its missing parents with `mode`, and syncs each new one in its parent.
/// One that exists is left as it is. After a crash a directory may exist whose name never reached
/// the disk: whoever relies on one it did not make itself calls syncDirectory() on its parent once.
void makeDurableDirectory(const std::filesystem::path& directory, mode_t mode = 0700);

/// Syncs the names in `directory`.
void syncDirectory(const std::filesystem::path& directory);

/// Syncs everything on the file system that holds `directory`: for the start, when what a crash
/// left unsynced must become durable before anybody relies on it.
void syncFileSystem(const std::filesystem::path& directory);

/// Writes the whole of a small file, see DurableFile.
void writeDurably(const std::filesystem::path& target, std::string_view text,
                  DurableFile::Existing existing = DurableFile::Existing::Replace,
                  mode_t mode = 0600);

/// The whole of a small file; throws Error(Corrupt) where it exceeds `most` octets or is no plain
/// file.
std::string readWhole(const std::filesystem::path& file, std::size_t most);

}  // namespace gateway
