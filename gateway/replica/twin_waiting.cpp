// What waits in which mailbox, exchanged with a twin after the records (docs/replica.md).
// Never makes an exchange of records fail: it is a courtesy, and tried again with the next one.
#include "gateway/base/json_text.h"
#include "gateway/base/log.h"
#include "gateway/replica/twin.h"
#include "gateway/replica/twin_answer.h"

namespace gateway::replica {

namespace {

using nlohmann::json;

/// Each tells 500 mailboxes of either side.
constexpr int kMostRounds = 100;

}  // namespace

asio::awaitable<void> Twin::exchangeWaiting() {
    if (m_engine.waiting == nullptr || m_theirMark.empty() || !m_state.node) {
        co_return;  // it is of a version that tells none
    }
    WaitingNews& news = *m_engine.waiting;
    const Teller teller{m_address.url, true, m_state.node->str(), m_state.name};
    news.confirm(teller, m_theirMark, std::chrono::system_clock::now());
    for (int round = 0; round < kMostRounds && !m_over; ++round) {
        const std::string known = news.known(teller.key);
        const std::string mark = news.mark();
        if (known == m_theirMark && m_toldMark == mark) {
            co_return;
        }
        HttpCall call = callOf("POST", "/waiting");
        call.headers.emplace_back("Content-Type", "application/json");
        call.body = json{
            {"told", news.tell(m_toldMark, std::chrono::system_clock::now())},
            {"known",
             known}}.dump();
        const HttpAnswer answer = co_await m_engine.send(std::move(call));
        if (answer.trouble != HttpAnswer::Trouble::None || answer.status != 200) {
            log::debug("a twin was not told what waits", {{"twin", m_address.url},
                                                          {"status", std::to_string(answer.status)},
                                                          {"cause", answer.cause}});
            co_return;
        }
        const json object = objectIn(answer);
        const json told = object.value("told", json());
        const json newest = told.is_object() ? told.value("newest", json()) : json();
        if (!newest.is_number_unsigned()) {
            co_return;
        }
        news.hear(teller, told, *m_engine.registry(), std::chrono::system_clock::now());
        const std::string before = m_toldMark;
        m_toldMark = textIn(object, "known");
        m_theirMark = textIn(told, "run") + '.' + newest.dump();
        if (m_toldMark == before && news.known(teller.key) == known) {
            co_return;  // no further by this
        }
    }
}

}  // namespace gateway::replica
