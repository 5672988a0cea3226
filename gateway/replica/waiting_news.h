// What waits in each mailbox on which node, as twins tell each other: numbers and times, as JSON.
// Never a word of a message, and never kept: a cache that the exchange fills again. Reads any JSON;
// what it keeps of it is bounded by the mailboxes that this node knows. No socket, no file.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/mail/registry.h"

namespace gateway::replica {

/// A mailbox on one node.
struct Waiting {
    std::uint64_t messages = 0;  ///< that its password opens
    std::optional<WallTime> oldest;
    std::optional<WallTime> fetched;  ///< when a message of it was last fetched
    bool operator==(const Waiting&) const = default;
};

/// A mailbox on a twin. All times by this node's clock.
struct WaitingThere {
    /// Fetches that follow each other closer are one visit of the archiver.
    static constexpr std::chrono::minutes kVisit{15};

    Waiting waiting;
    std::optional<WallTime> lastVisit;
    std::optional<WallTime> visitBefore;
};

/// All that one twin has told.
struct TwinWaiting {
    using Mailboxes = std::map<MailboxId, WaitingThere>;
    std::string node;  ///< its id
    std::string name;  ///< its hostname
    WallTime told;     ///< when it last said so, or that nothing had changed
    std::shared_ptr<const Mailboxes> mailboxes;  ///< never null
};

/// Who tells: `key` is how this node knows it, by its URL or its token.
struct Teller {
    std::string key;
    bool isCalled = false;  ///< by this node: it has proven who it is
    std::string node;
    std::string name;
};

/// This node's own news, and what its twins told. Belongs to the I/O thread.
class WaitingNews {
public:
    /// Mailboxes told at once: some 35 KB.
    static constexpr std::size_t kMostTold = 500;
    static constexpr std::size_t kMostTellers = 64;
    /// A twin that said nothing for so long is forgotten.
    static constexpr std::chrono::hours kRemembered{7 * 24};

    WaitingNews();

    /// So it is with a mailbox of this node.
    void set(const MailboxId& mailbox, const Waiting& waiting);
    /// "run.version": another one after each change, and after each start.
    std::string mark() const;
    /// {run, from, to, newest, mailboxes [[address, messages, age of the oldest, age of the last
    /// fetch]]}: what changed since the mark `known`, or all of it; ages in seconds, so that clocks
    /// that differ do no harm; null where there is none. More follows where `to` is not `newest`.
    nlohmann::json tell(std::string_view known, WallTime now) const;

    /// The mark up to which this one's news are known; empty where none are.
    std::string known(const std::string& key) const;
    /// Takes what tell() of a twin gave. What is none, or does not follow what is known, is not
    /// taken; nor are mailboxes that `registry` has not.
    void hear(const Teller& teller, const nlohmann::json& told, const Registry& registry,
              WallTime now);
    /// It says that its news are at this mark.
    void confirm(const Teller& teller, const std::string& mark, WallTime now);
    void forget(const std::string& key) { m_heard.erase(key); }
    /// This node may know mailboxes now of which it was told in vain: let it be told again.
    void mailboxesChanged();

    /// One of each node.
    std::vector<TwinWaiting> heard(WallTime now) const;

private:
    struct Own {
        Waiting waiting;
        std::uint64_t version = 0;
    };
    struct Heard {
        Teller teller;
        std::string run;
        std::uint64_t version = 0;
        bool leftOut = false;  ///< mailboxes that were not known here
        WallTime told;
        std::shared_ptr<const TwinWaiting::Mailboxes> mailboxes;
    };
    Heard& heardOf(const Teller& teller, WallTime now);

    const std::string m_run;
    std::uint64_t m_version = 0;
    std::map<MailboxId, Own> m_own;
    std::map<std::string, Heard> m_heard;
};

}  // namespace gateway::replica
