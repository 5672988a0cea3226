#include "gateway/turned_away.h"

#include <algorithm>

#include "gateway/base/log.h"

namespace gateway {

namespace {

using Reason = smtp::TurnedAway::Reason;

/// Strangers can name as many mailboxes as they like.
constexpr std::size_t kMostMailboxes = 10'000;
constexpr std::chrono::minutes kBetweenLines{1};

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
    if (m_mailboxes.size() >= kMostMailboxes && !m_mailboxes.contains(event.mailbox)) {
        return;
    }
    const auto [place, isNew] = m_mailboxes[event.mailbox].try_emplace(event.reason);
    Count& count = place->second;
    ++(event.observed ? count.observed : count.refused);
    ++count.unsaid;
    count.last = now;
    count.peer = event.peer;
    count.seen = event.seen;
    // A clock that was set back must not silence it.
    if (isNew || now - count.said >= kBetweenLines || now < count.said) {
        say(event, count);
        count.said = now;
        count.unsaid = 0;
    }
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
    const auto known = id ? m_mailboxes.find(*id) : m_mailboxes.end();
    if (known != m_mailboxes.end()) {
        for (const auto& [reason, count] : known->second) {
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
