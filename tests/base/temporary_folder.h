// A folder for one test, removed with all it holds. Never outside the build's own temporary place.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <stdlib.h>
#include <string>

namespace shim {

/// For tests that make thousands of folders: syncs to a disk would take most of their time, and
/// show nothing.
inline void keepFoldersInMemory() {
    if (std::filesystem::is_directory("/dev/shm")) {
        // Before there is a second thread. NOLINTNEXTLINE(concurrency-mt-unsafe)
        ::setenv("TMPDIR", "/dev/shm", 0);
    }
}

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "postern-test-XXXXXX");
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("mkdtemp " + name);
        }
        m_path = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const std::filesystem::path& path() const { return m_path; }
    std::filesystem::path operator/(const std::string& name) const { return m_path / name; }

private:
    std::filesystem::path m_path;
};

}  // namespace shim
