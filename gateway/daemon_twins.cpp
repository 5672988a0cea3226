// What the daemon gives its twins: the lane of records, the HTTP client, and who hears of changes.
// Never lets a twin wait for the I/O thread, nor that for a twin.
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include "gateway/daemon.h"

namespace gateway {

TwinsHouse Daemon::twinsHouse() {
    TwinsHouse house(m_io.get_executor(), m_disk, m_records, m_keeper);
    house.registry = [this] { return m_house.registry(); };
    house.takeOver = [this](const std::shared_ptr<const Registry>& registry) {
        takeOver(registry);
    };
    house.send = [this](HttpCall asked) { return call(std::move(asked)); };
    house.perform = [this](nlohmann::json request) {
        return control(std::move(request), Descriptor());
    };
    house.spawn = [this](asio::awaitable<void> coroutine) {
        asio::co_spawn(m_io, std::move(coroutine), asio::detached);
    };
    house.changed = [this] { tell(webui::Events::Status); };
    house.showChallenges = [this](std::vector<replica::ChallengeShelf::Held> held) {
        showChallenges(held);
    };
    return house;
}

asio::awaitable<HttpAnswer> Daemon::call(HttpCall call) {
    if (!m_http && m_stopping) {
        HttpAnswer stopped;
        stopped.trouble = HttpAnswer::Trouble::Stopped;
        co_return stopped;
    }
    if (!m_http) {
        m_http = std::make_unique<net::HttpClient>();
    }
    co_return co_await m_http->send(std::move(call));
}

nlohmann::json Daemon::twinList() const {
    nlohmann::json twins = nlohmann::json::array();
    for (const TwinReport& report : m_twins.report()) {
        twins.push_back(toJson(report, std::chrono::system_clock::now()));
    }
    return {{"ok", true}, {"twins", std::move(twins)}};
}

}  // namespace gateway
