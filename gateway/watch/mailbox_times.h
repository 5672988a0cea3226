// When mail was last taken for each mailbox, and last fetched from it: counters that may be lost.
// Kept in state/mailbox-times.toml; never decides anything.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/clock.h"
#include "gateway/mail/layout.h"
#include "gateway/mail/mailbox_id.h"

namespace gateway {

/// A value. In the server the I/O thread owns the one that changes.
class MailboxTimes {
public:
    struct Times {
        std::optional<WallTime> received;
        std::optional<WallTime> fetched;
        bool operator==(const Times&) const = default;
    };

    void received(const MailboxId& mailbox, WallTime now) { m_times[mailbox].received = now; }
    void fetched(const MailboxId& mailbox, WallTime now) { m_times[mailbox].fetched = now; }
    /// Empty where nothing is known.
    Times of(const MailboxId& mailbox) const;

    /// The file's text, and what it says; nothing where it is none, with `why`.
    std::string text() const;
    static std::optional<MailboxTimes> parse(std::string_view text, std::string& why);

    /// Blocking. Empty where there is no file, or none that can be used, which is logged: it is
    /// replaced then, unless it is of a newer format.
    static MailboxTimes load(const Layout& layout);
    /// Blocking.
    void save(const Layout& layout) const;

    bool operator==(const MailboxTimes&) const = default;

private:
    std::map<MailboxId, Times> m_times;
    bool m_fileIsNewer = false;  ///< then it is left untouched
};

}  // namespace gateway
