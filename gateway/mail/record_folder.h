// The record files of one mailbox as they lie in one folder: read, told from what is no record,
// recognised when they change. Never writes, renames or removes one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/mail/layout.h"
#include "gateway/mail/record.h"

namespace gateway {

/// What stat() tells of a file or folder. Two that are equal are taken for unchanged, unless the
/// file was changed so lately that a second change may have had the same time.
struct Stamp {
    /// Two changes closer than this may have the same time; no file system is coarser.
    static constexpr std::chrono::seconds kGranularity{2};

    std::uint64_t inode = 0;
    std::int64_t size = -1;  ///< -1 where there is nothing
    std::int64_t modified = 0;
    std::int64_t changed = 0;  ///< nanoseconds; moves also when owner or mode do

    static Stamp of(const std::filesystem::path& path);
    bool exists() const { return size >= 0; }
    bool operator==(const Stamp&) const = default;
    /// How long ago it changed; 0 for one from the future.
    std::chrono::seconds age(WallTime now) const;
};

/// One record file as read.
struct RecordFile {
    enum class State {
        Good,
        Partial,     ///< some statements are malformed, the others count
        Damaged,     ///< nothing in it can be used
        Unreadable,  ///< owner or mode keep us from it
        Newer        ///< of a newer format: left untouched
    };
    State state = State::Good;
    Stamp stamp;
    std::string text;
    std::string problem;           ///< in words, where it is not Good
    std::optional<NodeFile> file;  ///< where Good or Partial

    /// A younger file may still be on its way: a slow copy is not damage.
    static constexpr std::chrono::seconds kYoung{60};
    bool mayBeUnderWay(WallTime now) const { return stamp.age(now) < kYoung; }
    bool damaged() const { return state == State::Damaged || state == State::Partial; }
    /// `problem` as it is said to people, who may be copying the file here.
    std::string complaint(WallTime now) const;
};

/// All record files of one mailbox, by node; none where the folder does not exist.
struct RecordFolder {
    Stamp stamp;
    std::map<NodeId, RecordFile> files;
    std::vector<std::string> foreign;  ///< names that are no record's
    std::string problem;               ///< where the folder itself cannot be read

    static RecordFolder read(const Layout& layout, const std::filesystem::path& folder,
                             const MailboxId& mailbox);
};

/// Reads one file; `node` is whose it says to be by its name.
RecordFile readRecordFile(const Layout& layout, const std::filesystem::path& path,
                          const MailboxId& mailbox, const NodeId& node);

}  // namespace gateway
