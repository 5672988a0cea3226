#include "gateway/store/receipt_history.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <map>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/store/drop_folder.h"

namespace gateway {

namespace {

/// Calls `take` with each whole line of a file that may be of any size, at most the start of one
/// that is too long to be ours; what follows the last newline is no line.
template <typename Take>
void eachLine(const std::filesystem::path& path, Take take) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!file && errno == ENOENT) {
        return;  // its days were over meanwhile
    }
    check(file.get(), "open", path.native());
    struct stat found{};
    check(::fstat(file.get(), &found), "look at", path.native());
    if (!S_ISREG(found.st_mode)) {
        throw Error(Error::Kind::Corrupt, "read " + path.native() + ": it is no plain file");
    }
    std::array<char, 65536> buffer{};
    std::string line;
    for (;;) {
        const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        check(got, "read", path.native());
        if (got == 0) {
            return;
        }
        std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
        for (std::size_t end = rest.find('\n');; end = rest.find('\n')) {
            const std::size_t room = kLongestReceiptLine - line.size();
            line += rest.substr(0, std::min(end, room));
            if (end == std::string_view::npos) {
                break;
            }
            take(std::string_view(line));
            line.clear();
            rest.remove_prefix(end + 1);
        }
    }
}

}  // namespace

ReceiptsRead readReceipts(const Layout& layout, const MailboxId& mailbox,
                          std::optional<WallTime> since) {
    ReceiptsRead result;
    const auto folder = openIfThere(layout, layout.receipts(mailbox));
    if (!folder) {
        return result;
    }
    std::vector<std::string> names = namesIn(*folder);
    std::sort(names.begin(), names.end());
    std::map<MessageId, Receipt> receipts;
    for (const std::string& name : names) {
        const auto file = ReceiptFileName::parse(name);
        if (!file || (since && file->begin() + std::chrono::hours(24) <= *since)) {
            continue;
        }
        if (file->format != ReceiptFileName::kFormat) {
            result.newer.push_back(folder->path() / name);
            continue;
        }
        eachLine(folder->path() / name, [&](std::string_view line) {
            if (const auto event = parseReceiptLine(line)) {
                receipts.try_emplace(event->id, event->id).first->second.take(*event, file->node);
            } else {
                ++result.damagedLines;
            }
        });
    }
    result.receipts.reserve(receipts.size());
    for (auto& [id, receipt] : receipts) {
        if (!since || (receipt.received && *receipt.received >= *since)) {
            result.receipts.push_back(std::move(receipt));
        }
    }
    return result;
}

}  // namespace gateway
