#include "gateway/store/receipt_log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/store/drop_folder.h"

namespace gateway {

namespace {

namespace fs = std::filesystem;

/// What goes on for long is said again so often.
constexpr std::chrono::minutes kSaidAgain{10};

/// Appends all of it or nothing: what was written of it is taken away again.
void appendWhole(const Descriptor& file, std::string_view text, const std::string& name) {
    std::size_t written = 0;
    while (written < text.size()) {
        const ssize_t wrote = ::write(file.get(), text.data() + written, text.size() - written);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            const int cause = errno;
            const off_t end = written > 0 ? ::lseek(file.get(), 0, SEEK_CUR) : 0;
            if (written > 0 && ::ftruncate(file.get(), end - static_cast<off_t>(written)) != 0) {
                log::warning("a part of a receipt is left in its file", {{"file", name}});
            }
            errno = cause;
            throwErrno("write", name);
        }
        written += static_cast<std::size_t>(wrote);
    }
}

/// Just behind the last newline; 0 where there is none.
off_t endOfLines(const Descriptor& file, off_t size, const std::string& name) {
    std::array<char, 4096> block{};
    while (size > 0) {
        const off_t from = std::max<off_t>(0, size - static_cast<off_t>(block.size()));
        const auto wanted = static_cast<std::size_t>(size - from);
        const ssize_t got = check(::pread(file.get(), block.data(), wanted, from), "read", name);
        const std::string_view text(block.data(), static_cast<std::size_t>(got));
        if (const std::size_t last = text.rfind('\n'); last != std::string_view::npos) {
            return from + static_cast<off_t>(last) + 1;
        }
        size = from;
    }
    return 0;
}

Descriptor openLog(const fs::path& path, int flags) {
    return Descriptor(::open(
        path.c_str(), O_RDWR | O_APPEND | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | flags, 0600));
}

}  // namespace

std::unique_ptr<ReceiptLog> ReceiptLog::make(const Layout& layout, const NodeId& node,
                                             std::chrono::seconds keep) {
    return keep.count() > 0 ? std::make_unique<ReceiptLog>(layout, node) : nullptr;
}

void ReceiptLog::stored(const MailboxId& mailbox, const MessageId& id,
                        const ReceiptEvent::File& file, const Origin& origin) noexcept {
    try {
        ReceiptEvent event(ReceiptEvent::Kind::Stored, id, m_now());
        event.file = file;
        event.peer = origin.peer;
        event.tls = origin.tls;
        const std::lock_guard lock(m_mutex);
        write(mailbox, lineOf(event), 1);
    } catch (const std::exception&) {
        return;  // not even the words for it could be found
    }
}

void ReceiptLog::fetched(const MailboxId& mailbox, const MessageId& id) noexcept {
    try {
        const std::lock_guard lock(m_mutex);
        if (m_fetched.size() >= kMostFetched) {
            m_fetched.clear();
        }
        if (!m_fetched.emplace(mailbox, id).second) {
            return;
        }
    } catch (const std::exception&) {
        return;
    }
    tell(ReceiptEvent::Kind::Fetched, mailbox, std::span(&id, 1));
}

void ReceiptLog::deleted(const MailboxId& mailbox, std::span<const MessageId> ids) noexcept {
    tell(ReceiptEvent::Kind::Deleted, mailbox, ids);
    try {
        const std::lock_guard lock(m_mutex);
        for (const MessageId& id : ids) {
            m_fetched.erase({mailbox, id});
        }
    } catch (const std::exception&) {
        return;
    }
}

void ReceiptLog::restored(const MailboxId& mailbox, const MessageId& id) noexcept {
    tell(ReceiptEvent::Kind::Restored, mailbox, std::span(&id, 1));
}

void ReceiptLog::purged(const MailboxId& mailbox, const MessageId& id) noexcept {
    tell(ReceiptEvent::Kind::Purged, mailbox, std::span(&id, 1));
}

std::optional<ReceiptLog::Trouble> ReceiptLog::trouble() const {
    const std::lock_guard lock(m_troubleMutex);
    return m_failing.empty() ? std::nullopt : std::optional(m_trouble);
}

void ReceiptLog::tell(ReceiptEvent::Kind kind, const MailboxId& mailbox,
                      std::span<const MessageId> ids) noexcept {
    try {
        std::string lines;
        for (const MessageId& id : ids) {
            lines += lineOf(ReceiptEvent(kind, id, m_now()));
        }
        const std::lock_guard lock(m_mutex);
        write(mailbox, lines, ids.size());
    } catch (const std::exception&) {
        return;
    }
}

void ReceiptLog::write(const MailboxId& mailbox, const std::string& lines, std::size_t count) {
    try {
        append(mailbox, lines);
        succeeded(mailbox);
    } catch (const std::exception& error) {
        failed(mailbox, error.what(), count);
    }
}

void ReceiptLog::failed(const MailboxId& mailbox, const std::string& cause, std::size_t count) {
    const WallTime now = m_now();
    m_mended.erase(mailbox);
    const std::lock_guard lock(m_troubleMutex);
    if (m_failing.empty()) {
        m_trouble = {now, cause, 0};
        m_said.reset();
    }
    m_failing.insert(mailbox);
    m_trouble.cause = cause;
    m_trouble.lines += count;
    if (!m_said || now < *m_said || now - *m_said >= kSaidAgain) {
        log::warning("receipts are not written; mail flows on without",
                     {{"mailbox", mailbox.str()}, {"missed", m_trouble.lines}, {"cause", cause}});
        m_said = now;
    }
}

void ReceiptLog::succeeded(const MailboxId& mailbox) {
    const std::lock_guard lock(m_troubleMutex);
    if (m_failing.erase(mailbox) > 0 && m_failing.empty()) {
        log::notice("receipts are written again",
                    {{"missed", m_trouble.lines}, {"since", formatTimestamp(m_trouble.since)}});
    }
}

void ReceiptLog::append(const MailboxId& mailbox, const std::string& lines) {
    const fs::path path = m_layout.receipts(mailbox) / ReceiptFileName::at(m_now(), m_node).str();
    const Descriptor file = open(mailbox, path);
    appendWhole(file, lines, path.native());
}

Descriptor ReceiptLog::open(const MailboxId& mailbox, const fs::path& path) {
    const auto mended = m_mended.find(mailbox);
    if (mended == m_mended.end()) {
        makeDurableDirectory(path.parent_path());
        mendNewest(mailbox);
    }
    Descriptor file = openLog(path, O_CREAT);
    if (!file && errno == ENOENT) {  // dropOld(), or an admin, took the folder away
        makeDurableDirectory(path.parent_path());
        file = openLog(path, O_CREAT);
    }
    check(file.get(), "open", path.native());
    if (mended == m_mended.end() || mended->second != path) {
        mend(file, path);
        m_mended.insert_or_assign(mailbox, path);
    }
    return file;
}

/// The file that was written last, which need not be of today.
void ReceiptLog::mendNewest(const MailboxId& mailbox) const {
    const fs::path folder = m_layout.receipts(mailbox);
    std::string newest;
    for (const std::string& name : namesIn(Directory(folder))) {
        const auto file = ReceiptFileName::parse(name);
        if (file && file->node == m_node && file->format == ReceiptFileName::kFormat) {
            newest = std::max(newest, name);
        }
    }
    if (!newest.empty()) {
        const Descriptor file = openLog(folder / newest, 0);
        check(file.get(), "open", (folder / newest).native());
        mend(file, folder / newest);
    }
}

/// A crash may have cut the last line off; what is appended to it would be lost with it.
void ReceiptLog::mend(const Descriptor& file, const fs::path& path) {
    struct stat found{};
    check(::fstat(file.get(), &found), "look at", path.native());
    if (!S_ISREG(found.st_mode)) {
        throw Error(Error::Kind::Corrupt,
                    "write " + path.native() + ": it is no plain file; move it away");
    }
    const off_t end = endOfLines(file, found.st_size, path.native());
    if (end < found.st_size) {
        check(::ftruncate(file.get(), end), "truncate", path.native());
        log::notice("the last receipt was cut off by a crash, and was taken away",
                    {{"file", path.native()},
                     {"octets", static_cast<unsigned long long>(found.st_size - end)}});
    }
}

std::size_t ReceiptLog::dropOld(std::chrono::seconds keep) {
    constexpr std::chrono::hours kDay{24};
    const WallTime now = m_now();
    std::exception_ptr failure;
    std::size_t dropped = 0;
    const auto all = openIfThere(m_layout, m_layout.receipts());
    for (const std::string& mailbox : all ? namesIn(*all) : std::vector<std::string>()) {
        try {
            const auto id = MailboxId::parse(mailbox);
            const auto folder = id ? openIfThere(m_layout, m_layout.receipts(*id)) : std::nullopt;
            for (const std::string& name : folder ? namesIn(*folder) : std::vector<std::string>()) {
                const auto file = ReceiptFileName::parse(name);
                if (file && now - file->begin() - kDay > keep) {
                    check(::unlinkat(folder->get(), name.c_str(), 0), "unlink",
                          (folder->path() / name).native());
                    ++dropped;
                }
            }
            if (folder && dropped > 0) {
                ::unlinkat(all->get(), mailbox.c_str(), AT_REMOVEDIR);  // where it is empty now
            }
        } catch (const Error&) {
            failure = failure ? failure : std::current_exception();
        }
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
    return dropped;
}

}  // namespace gateway
