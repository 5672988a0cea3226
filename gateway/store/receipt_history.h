// Reads the logs of receipts. Changes nothing, and never waits for whoever writes them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "gateway/mail/layout.h"
#include "gateway/store/receipt.h"

namespace gateway {

struct ReceiptsRead {
    std::vector<Receipt> receipts;             ///< in order of arrival (of ids)
    std::uint64_t damagedLines = 0;            ///< passed over
    std::vector<std::filesystem::path> newer;  ///< files of a newer format, passed over
};

/// What the files of a mailbox tell, of whichever nodes they are. With `since` only the files from
/// that day on are read, and only messages told that were stored since. Memory: some 400 octets
/// for each message. Throws Error where a file cannot be read.
ReceiptsRead readReceipts(const Layout& layout, const MailboxId& mailbox,
                          std::optional<WallTime> since = std::nullopt);

}  // namespace gateway
