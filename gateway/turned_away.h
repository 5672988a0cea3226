// What mail was turned away, per mailbox and reason, since the server started; told to the log at a
// bearable pace. Never grows with what strangers try: of mailboxes nobody knows only so many are
// remembered, and never in place of one of ours.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "gateway/base/clock.h"
#include "smtp/session.h"

namespace gateway {

/// Belongs to the I/O thread.
class TurnedAwayCounts {
public:
    /// Counts it, and logs it: the first of its kind at once, of further ones at most one a minute,
    /// with their number; of mailboxes nobody knows no more than a person can read.
    void add(const smtp::TurnedAway& event, WallTime now);

    /// All that is remembered of one mailbox and reason.
    struct Entry {
        Entry(MailboxId id, smtp::TurnedAway::Reason why) : mailbox(std::move(id)), kind(why) {}
        MailboxId mailbox;
        smtp::TurnedAway::Reason kind;
        std::string reason;    ///< "unknown_mailbox", …
        std::string sentence;  ///< the same in words
        bool putOff = false;   ///< 4xx: the sender tries again
        std::uint64_t refused = 0;
        std::uint64_t observed = 0;
        WallTime since;        ///< of the refusals that follow one another
        WallTime lastRefused;  ///< meaningless where refused is 0
        WallTime last;
        std::string peer;
        std::string seen;
        /// {reason, refused, observed, last, peer, seen}
        nlohmann::json describe() const;
    };
    std::vector<Entry> entries() const;

    /// For an answer of Operations that shows one mailbox: its `mailbox` gets `turned_away`, an
    /// array of {reason, refused, observed, last, peer, seen}.
    void describeIn(nlohmann::json& answer) const;

private:
    struct Count {
        std::uint64_t refused = 0;
        std::uint64_t observed = 0;
        WallTime since;  ///< of refusals, as in Entry
        WallTime lastRefused;
        WallTime last;
        std::string peer;  ///< of the last one, as what it had instead
        std::string seen;
        WallTime said;
        std::uint64_t unsaid = 0;
    };
    using Reasons = std::map<smtp::TurnedAway::Reason, Count>;

    static Entry entryOf(const MailboxId& mailbox, smtp::TurnedAway::Reason reason,
                         const Count& count);
    static void say(const smtp::TurnedAway& event, const Count& count);
    bool mayTalk(WallTime now);  ///< of one more mailbox nobody knows

    std::map<MailboxId, Reasons> m_mailboxes;  ///< that this node knows
    std::map<MailboxId, Reasons> m_unknown;
    WallTime m_minute;  ///< when the present one of talking began
    std::size_t m_lines = 0;
};

}  // namespace gateway
