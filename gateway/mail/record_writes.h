// Record files that were written as one change: they stay, or all is as it was. Taking back needs
// no room on the disk, for a change may have failed because there is none.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gateway {

/// One thread at a time. Between changes it holds nothing; keep() or takeBack() ends each.
class RecordWrites {
public:
    /// Makes or replaces a file, durably. Throws Error; the file is then as it was, or takeBack()
    /// makes it so.
    void write(const std::filesystem::path& path, const std::string& text);
    void keep() noexcept;
    /// Every file is again as it was before its write(), whoever wrote it. What cannot be taken
    /// back would come true at the next start; that is logged.
    void takeBack() noexcept;

private:
    struct Written {
        std::filesystem::path path;
        std::filesystem::path former;       ///< a second name of what was there
        std::optional<std::string> before;  ///< its text, where it could have no second name
    };
    static void remember(Written& written);

    std::vector<Written> m_written;
};

}  // namespace gateway
