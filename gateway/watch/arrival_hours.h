// In which hours of the last four weeks each mailbox got mail, and in how many since the last one
// it usually would have: counters that may be lost. Kept in state/arrivals.toml; never decides what
// is to be done about it.
#pragma once

#include <bitset>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/mail/layout.h"
#include "gateway/mail/mailbox_id.h"

namespace gateway {

/// A value. In the server the I/O thread owns the one that changes. Hours are those of UTC.
class ArrivalHours {
public:
    static constexpr std::size_t kHoursOfWeek = 168;
    static constexpr std::size_t kWeeks = 4;
    /// An hour is one in which mail is usual where it had some in so many of the last four weeks.
    static constexpr std::size_t kUsual = 3;

    void received(const MailboxId& mailbox, WallTime now);

    /// How many whole hours went by since the one of the last mail in which mail is usual; 0 where
    /// nothing is known.
    std::chrono::hours missed(const MailboxId& mailbox, WallTime now) const;

    /// The file's text, and what it says; nothing where it is none, with `why`.
    std::string text() const;
    static std::optional<ArrivalHours> parse(std::string_view text, std::string& why);

    /// Blocking. Empty where there is no file, or none that can be used, which is logged: it is
    /// replaced then, unless it is of a newer format.
    static ArrivalHours load(const Layout& layout);
    /// Blocking.
    void save(const Layout& layout) const;

    bool operator==(const ArrivalHours&) const = default;

private:
    using Bits = std::bitset<kHoursOfWeek * kWeeks>;
    struct Hours {
        std::int64_t last = 0;  ///< hours since 1970, of the last mail
        Bits before;            ///< bit n: whether there was mail n hours before that
        bool operator==(const Hours&) const = default;
        bool isUsual(std::int64_t hour) const;
    };

    std::map<MailboxId, Hours> m_mailboxes;
    bool m_fileIsNewer = false;  ///< then it is left untouched
};

}  // namespace gateway
