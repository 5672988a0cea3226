#include "gateway/elsewhere.h"

namespace gateway {

namespace {

using nlohmann::json;

/// A twin says every minute that its news are still so.
constexpr std::chrono::minutes kLately{3};

json timestamp(const std::optional<WallTime>& time) {
    return time ? json(formatTimestamp(*time)) : json();
}

}  // namespace

void addElsewhere(json& row, const Elsewhere& elsewhere, WallTime now) {
    json all = json::array();
    const auto mailbox = MailboxId::parse(row.at("address").get_ref<const std::string&>());
    for (const replica::TwinWaiting& twin : elsewhere) {
        const auto found = mailbox ? twin.mailboxes->find(*mailbox) : twin.mailboxes->end();
        if (found == twin.mailboxes->end()) {
            continue;
        }
        const replica::Waiting& waiting = found->second.waiting;
        all.push_back({{"node", twin.node},
                       {"name", twin.name},
                       {"messages", waiting.messages},
                       {"oldest", timestamp(waiting.oldest)},
                       {"last_fetched", timestamp(waiting.fetched)},
                       {"told", formatTimestamp(twin.told)},
                       {"lately", now - twin.told < kLately}});
    }
    row["elsewhere"] = std::move(all);
}

void addElsewhereIn(json& answer, const Elsewhere& elsewhere, WallTime now) {
    const auto one = answer.find("mailbox");
    if (one != answer.end() && one->is_object()) {
        addElsewhere(*one, elsewhere, now);
    }
    const auto list = answer.find("mailboxes");
    if (!elsewhere.empty() && list != answer.end() && list->is_array()) {
        for (json& row : *list) {
            if (row.is_object() && row.contains("address")) {
                addElsewhere(row, elsewhere, now);
            }
        }
    }
}

std::optional<HealthSnapshot::VisitElsewhere> visitElsewhere(const MailboxId& mailbox,
                                                             const Elsewhere& elsewhere) {
    std::optional<HealthSnapshot::VisitElsewhere> latest;
    for (const replica::TwinWaiting& twin : elsewhere) {
        const auto found = twin.mailboxes->find(mailbox);
        if (found == twin.mailboxes->end() || !found->second.visitBefore) {
            continue;
        }
        const replica::WaitingThere& there = found->second;
        if (!latest || latest->last < *there.lastVisit) {
            latest = {twin.name, *there.visitBefore, *there.lastVisit};
        }
    }
    return latest;
}

}  // namespace gateway
