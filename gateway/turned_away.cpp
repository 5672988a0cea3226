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
            list.push_back({{"reason", wordsFor(reason).name},
                            {"refused", count.refused},
                            {"observed", count.observed},
                            {"last", formatTimestamp(count.last)},
                            {"peer", count.peer},
                            {"seen", count.seen}});
        }
    }
    (*mailbox)["turned_away"] = std::move(list);
}

}  // namespace gateway
