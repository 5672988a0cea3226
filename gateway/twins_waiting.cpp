// What waits on which node, between the twins and the rest of the server (docs/replica.md).
// Never tells more of a mailbox than how much waits, since when, and when it was last fetched.
#include "gateway/base/json_text.h"
#include "gateway/twins.h"

namespace gateway {

using nlohmann::json;

void Twins::setWaiting(const std::vector<std::pair<MailboxId, replica::Waiting>>& mailboxes) {
    const std::string before = m_news.mark();
    for (const auto& [mailbox, waiting] : mailboxes) {
        m_news.set(mailbox, waiting);
    }
    const std::string mark = m_news.mark();
    if (mark == before) {
        return;
    }
    m_feed.tellWaiting(mark);
    for (const auto& twin : m_twins) {
        twin->nudge();
    }
}

std::vector<replica::TwinWaiting> Twins::waitingElsewhere() const {
    return m_news.heard(std::chrono::system_clock::now());
}

std::optional<replica::Teller> Twins::tellerOf(const std::string& token) const {
    const replica::Visitor* const visitor = m_visitors.find(token);
    if (visitor == nullptr || !visitor->problem.empty()) {
        return std::nullopt;
    }
    for (const replica::JoinedTwin& joined : m_joined.twins()) {
        if (joined.token == token && joined.node != visitor->greeting.node) {
            return std::nullopt;
        }
    }
    return replica::Teller{token, false, visitor->greeting.node.str(), visitor->greeting.name};
}

asio::awaitable<net::HttpResponse> Twins::waiting(webui::Call call) {
    const auto teller = tellerOf(call.caller.token);
    if (!teller) {
        throw webui::Refused{409, "conflict", "Greet first, as the node that the token is of."};
    }
    const WallTime now = std::chrono::system_clock::now();
    m_news.hear(*teller, call.body.value("told", json()), *m_house.registry(), now);
    m_house.changed();
    json answer{{"told", m_news.tell(textIn(call.body, "known"), now)},
                {"known", m_news.known(teller->key)}};
    co_return webui::jsonResponse(200, std::move(answer));
}

}  // namespace gateway
