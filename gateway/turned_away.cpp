#include "gateway/turned_away.h"

#include <algorithm>

#include "gateway/base/log.h"

namespace gateway {

namespace {

using Reason = smtp::TurnedAway::Reason;

/// Strangers can name as many mailboxes as they like.
constexpr std::size_t kMostUnknown = 10'000;
constexpr std::chrono::minutes kBetweenLines{1};
constexpr std::size_t kMostLinesAMinute = 60;

/// Refusals further apart than this do not belong together: every mail system tries again earlier.
constexpr std::chrono::hours kSilence{6};

/// Whether the answer is a 4xx (SPEC section 2); of unknown mailboxes, unless the config says 550.
bool putsOff(Reason reason) {
    return reason == Reason::UnknownMailbox || reason == Reason::UnreadableRecord ||
           reason == Reason::Suspended || reason == Reason::Tls;
}

/// As in metrics and JSON, and in words.
struct Words {
    const char* name;
    const char* sentence;
};

Words wordsFor(Reason reason) {
    switch (reason) {
        case Reason::UnknownMailbox:
            return {"unknown_mailbox", "mail for a mailbox this node does not know"};
        case Reason::UnreadableRecord:
            return {"unreadable_record", "mail put off: the mailbox's record cannot be read"};
        case Reason::Suspended:
            return {"suspended", "mail put off: the mailbox is suspended"};
        case Reason::Deleted:
            return {"deleted", "mail refused: the mailbox was deleted"};
        case Reason::Network:
            return {"network", "the sender's network is not in the mailbox's allow.networks"};
        case Reason::Tls:
            return {"tls", "the sender came without TLS, which the mailbox's allow.tls asks for"};
        case Reason::Certificate:
            return {"certificate",
                    "the sender has no certificate of the mailbox's allow.certificate_names"};
        case Reason::OriginatorOrg:
            return {"originator_org", "the message is not of the mailbox's allow.originator_org"};
        case Reason::NoJournalReport:
            return {"no_journal_report",
                    "the message is no journal report, and the mailbox has "
                    "allow.only_journal_reports"};
    }
    return {"unknown", "mail turned away"};
}

}  // namespace

void TurnedAwayCounts::add(const smtp::TurnedAway& event, WallTime now) {
    const bool unknown = event.reason == Reason::UnknownMailbox;
    if (unknown && m_unknown.size() >= kMostUnknown && !m_unknown.contains(event.mailbox)) {
        m_unknown.clear();
    }
    auto& reasons = (unknown ? m_unknown : m_mailboxes)[event.mailbox];
    const auto [place, isNew] = reasons.try_emplace(event.reason);
    Count& count = place->second;
    if (!event.observed) {
        const bool together =
            count.refused > 0 && now - count.lastRefused <= kSilence && now >= count.lastRefused;
        count.since = together ? count.since : now;
        count.lastRefused = now;
    }
    ++(event.observed ? count.observed : count.refused);
    ++count.unsaid;
    count.last = now;
    count.peer = event.peer;
    count.seen = event.seen;
    // A clock that was set back must not silence it.
    const bool due = isNew || now - count.said >= kBetweenLines || now < count.said;
    if (due && (!unknown || mayTalk(now))) {
        say(event, count);
        count.said = now;
        count.unsaid = 0;
    }
}

bool TurnedAwayCounts::mayTalk(WallTime now) {
    if (now - m_minute >= kBetweenLines || now < m_minute) {
        m_minute = now;
        m_lines = 0;
    }
    return ++m_lines <= kMostLinesAMinute;
}

void TurnedAwayCounts::say(const smtp::TurnedAway& event, const Count& count) {
    log::notice(wordsFor(event.reason).sentence, {{"mailbox", event.mailbox.str()},
                                                  {"peer", event.peer},
                                                  {"seen", event.seen},
                                                  {"taken", event.observed ? "yes" : "no"},
                                                  {"times", count.unsaid}});
}

TurnedAwayCounts::Entry TurnedAwayCounts::entryOf(const MailboxId& mailbox, Reason reason,
                                                  const Count& count) {
    const Words words = wordsFor(reason);
    Entry entry(mailbox, reason);
    entry.reason = words.name;
    entry.sentence = words.sentence;
    entry.putOff = putsOff(reason);
    entry.refused = count.refused;
    entry.observed = count.observed;
    entry.since = count.since;
    entry.lastRefused = count.lastRefused;
    entry.last = count.last;
    entry.peer = count.peer;
    entry.seen = count.seen;
    return entry;
}

nlohmann::json TurnedAwayCounts::Entry::describe() const {
    return {{"reason", reason},     {"refused", refused},
            {"observed", observed}, {"last", formatTimestamp(last)},
            {"peer", peer},         {"seen", seen}};
}

std::vector<TurnedAwayCounts::Entry> TurnedAwayCounts::entries() const {
    std::vector<Entry> all;
    for (const auto* const mailboxes : {&m_unknown, &m_mailboxes}) {
        for (const auto& [mailbox, reasons] : *mailboxes) {
            for (const auto& [reason, count] : reasons) {
                all.push_back(entryOf(mailbox, reason, count));
            }
        }
    }
    return all;
}

void TurnedAwayCounts::describeIn(nlohmann::json& answer) const {
    const auto mailbox = answer.find("mailbox");
    if (mailbox == answer.end()) {
        return;
    }
    nlohmann::json list = nlohmann::json::array();
    const auto id = MailboxId::parse(mailbox->at("address").get<std::string>());
    for (const auto* const mailboxes : {&m_unknown, &m_mailboxes}) {
        const auto found = id ? mailboxes->find(*id) : mailboxes->end();
        if (found == mailboxes->end()) {
            continue;
        }
        for (const auto& [reason, count] : found->second) {
            list.push_back(entryOf(*id, reason, count).describe());
        }
    }
    (*mailbox)["turned_away"] = std::move(list);
}

}  // namespace gateway
