// A backup: the record files of all mailboxes in one TOML text (SPEC section 6).
// Holds no message and nothing that opens one. No file, no clock: text in, text out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/mail/record.h"

namespace gateway {

struct Backup {
    std::string domain;    ///< of the mailboxes' addresses
    std::string hostname;  ///< of the node that made it
    WallTime at;
    std::vector<Record> records;
    std::string admins;  ///< the text of admins.toml; empty where it is not in the backup

    /// How every backup begins, so that a file of something else is never overwritten.
    static constexpr std::string_view kFirstLine =
        "# A backup of Postern: the records of its mailboxes. It holds no message.\n";
    /// Larger ones are refused unread; a mailbox takes some 2 KiB.
    static constexpr std::size_t kMostOctets = 32U << 20U;

    std::string toToml() const;
    /// Nothing where a single thing in it is wrong, a signature for one: a damaged backup must
    /// change nothing. `why` says what, and what to do.
    static std::optional<Backup> fromToml(std::string_view text, std::string& why);
};

}  // namespace gateway
