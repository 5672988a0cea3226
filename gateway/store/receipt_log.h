// The log of receipts of each mailbox on this node: what was taken, when, from whom and as which
// file, and when it was fetched, deleted and purged. One file a day, only ever appended to.
// Never holds up mail: what cannot be written is logged, and mail flows on. Never synced: a crash
// of the program loses no line, a power cut those that the system had not written yet.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/base/durable_file.h"
#include "gateway/mail/layout.h"
#include "gateway/store/receipt.h"

namespace gateway {

/// Blocking, for workers; any thread, several at once. The one writer of this node's files: for
/// whoever holds the data directory's lock.
class ReceiptLog {
public:
    ReceiptLog(const Layout& layout, const NodeId& node,
               std::function<WallTime()> now = std::chrono::system_clock::now)
        : m_layout(layout), m_node(node), m_now(std::move(now)) {}

    /// Null where `keep` is 0: none are written then.
    static std::unique_ptr<ReceiptLog> make(const Layout& layout, const NodeId& node,
                                            std::chrono::seconds keep);

    /// Who a message came from.
    struct Origin {
        std::string peer;  ///< an address, or "import"
        std::string tls;   ///< version and cipher; empty without
    };
    void stored(const MailboxId& mailbox, const MessageId& id, const ReceiptEvent::File& file,
                const Origin& origin) noexcept;
    /// Of a message that is fetched again and again the first time is written, and perhaps a later
    /// one.
    void fetched(const MailboxId& mailbox, const MessageId& id) noexcept;
    void deleted(const MailboxId& mailbox, std::span<const MessageId> ids) noexcept;
    void restored(const MailboxId& mailbox, const MessageId& id) noexcept;
    void purged(const MailboxId& mailbox, const MessageId& id) noexcept;

    /// Lines that could not be written, until those of the same mailboxes can be.
    struct Trouble {
        WallTime since;
        std::string cause;  ///< of the last one
        std::uint64_t lines = 0;
    };
    std::optional<Trouble> trouble() const;  ///< never waits for a disk

    /// Unlinks the files of days that ended longer than `keep` ago, of every node, and returns how
    /// many. Throws the first Error after it has tried all others.
    std::size_t dropOld(std::chrono::seconds keep);

private:
    static constexpr std::size_t kMostFetched = 20'000;  ///< remembered; some 200 octets each

    void tell(ReceiptEvent::Kind kind, const MailboxId& mailbox,
              std::span<const MessageId> ids) noexcept;
    void write(const MailboxId& mailbox, const std::string& lines, std::size_t count);
    void failed(const MailboxId& mailbox, const std::string& cause, std::size_t count);
    void succeeded(const MailboxId& mailbox);
    void append(const MailboxId& mailbox, const std::string& lines);
    Descriptor open(const MailboxId& mailbox, const std::filesystem::path& path);
    void mendNewest(const MailboxId& mailbox) const;
    static void mend(const Descriptor& file, const std::filesystem::path& path);

    const Layout m_layout;
    const NodeId m_node;
    const std::function<WallTime()> m_now;
    std::mutex m_mutex;  ///< guards m_mended, m_fetched and the files' ends
    std::map<MailboxId, std::filesystem::path> m_mended;  ///< the file that ends with a newline
    std::set<std::pair<MailboxId, MessageId>> m_fetched;  ///< of late; a line for each was written
    mutable std::mutex m_troubleMutex;  ///< guards all below; never held while a disk is waited for
    std::set<MailboxId> m_failing;
    Trouble m_trouble;               ///< where m_failing is not empty
    std::optional<WallTime> m_said;  ///< when it was logged last
};

}  // namespace gateway
