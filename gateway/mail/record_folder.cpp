#include "gateway/mail/record_folder.h"

#include <algorithm>
#include <cerrno>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/mail/ownership.h"

namespace gateway {

namespace {

constexpr std::size_t kMostFiles = 1000;  ///< in one folder: one for each node there ever was
constexpr std::string_view kSuffix = ".toml";

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

Stamp stampOf(const struct stat& found) {
    Stamp stamp;
    stamp.inode = found.st_ino;
    stamp.size = found.st_size;
    stamp.modified = nanoseconds(found.st_mtim);
    stamp.changed = nanoseconds(found.st_ctim);
    return stamp;
}

void parse(RecordFile& record, const MailboxId& mailbox, const NodeId& node) {
    Record::Reading reading = Record::read(mailbox, record.text);
    record.problem = reading.problem;
    if (reading.newerFormat) {
        record.state = RecordFile::State::Newer;
    } else if (!reading.file) {
        record.state = RecordFile::State::Damaged;
    } else if (reading.file->node != node) {
        record.state = RecordFile::State::Damaged;
        record.problem = "it is the file of node " + reading.file->node.str() + ", not of " +
                         node.str() + " as its name says";
    } else {
        record.state =
            reading.problem.empty() ? RecordFile::State::Good : RecordFile::State::Partial;
        record.file = std::move(reading.file);
    }
}

std::optional<NodeId> nodeOf(const std::string& name) {
    if (!name.ends_with(kSuffix)) {
        return std::nullopt;
    }
    return NodeId::parse(std::string_view(name).substr(0, name.size() - kSuffix.size()));
}

/// Our own temporary files, and damaged ones that were put aside.
bool isOurs(const std::string& name) {
    return name.starts_with(kTemporaryPrefix) || name.find(".toml.damaged-") != std::string::npos;
}

}  // namespace

Stamp Stamp::of(const std::filesystem::path& path) {
    struct stat found{};
    return ::stat(path.c_str(), &found) == 0 ? stampOf(found) : Stamp();
}

std::chrono::seconds Stamp::age(WallTime now) const {
    const auto elapsed =
        now.time_since_epoch() - std::chrono::nanoseconds(std::max(changed, modified));
    return std::max(std::chrono::floor<std::chrono::seconds>(elapsed), std::chrono::seconds(0));
}

std::string RecordFile::complaint(WallTime now) const {
    return damaged() && mayBeUnderWay(now)
               ? "it is not complete (" + problem +
                     "); if it is being copied it will be read once it is"
               : problem;
}

RecordFile readRecordFile(const Layout& layout, const std::filesystem::path& path,
                          const MailboxId& mailbox, const NodeId& node) {
    RecordFile record;
    record.state = RecordFile::State::Unreadable;
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) {
        record.problem = "it is no plain file: move it away";
        return record;
    }
    record.stamp = stampOf(found);
    try {
        record.text = readWhole(path, NodeFile::kMostOctets);
        parse(record, mailbox, node);
    } catch (const Error& error) {
        record.problem = error.what();
        if (error.kind() == Error::Kind::Permission) {
            record.problem += "; run `" + chownLine(layout, path) + "`";
        } else if (error.kind() == Error::Kind::Corrupt) {
            record.state = RecordFile::State::Damaged;
        }
    }
    return record;
}

RecordFolder RecordFolder::read(const Layout& layout, const std::filesystem::path& folder,
                                const MailboxId& mailbox) {
    RecordFolder result;
    result.stamp = Stamp::of(folder);
    std::error_code error;
    std::filesystem::directory_iterator walk(folder, error);
    for (; !error && walk != std::filesystem::directory_iterator(); walk.increment(error)) {
        const std::string name = walk->path().filename();
        const auto node = nodeOf(name);
        if (node && result.files.size() < kMostFiles) {
            result.files.emplace(*node, readRecordFile(layout, walk->path(), mailbox, *node));
        } else if (!isOurs(name)) {
            result.foreign.push_back(name);
        }
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        result.problem =
            "it cannot be read (" + error.message() + "); run `" + chownLine(layout, folder) + "`";
    }
    std::sort(result.foreign.begin(), result.foreign.end());
    return result;
}

}  // namespace gateway
