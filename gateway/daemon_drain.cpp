// The drain while the server runs: begun, ended and told by requests; it ends by itself, and it is
// said when the node may be stopped. Never on the I/O thread: its file is read and written on the
// lane of records, one after another.
#include <asio/use_awaitable.hpp>

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/daemon.h"
#include "gateway/net/offload.h"

namespace gateway {

void Daemon::takeUpDrain() {
    try {
        m_house.setDrain(loadDrain(m_layout));
    } catch (const Error& error) {
        log::error("whether this node drains is not known; it takes mail",
                   {{"cause", error.what()}});
        return;
    }
    if (m_house.draining()) {
        const auto& until = m_house.drain()->until;
        log::notice("drain goes on after the start: no new mail is taken",
                    {{"until", until ? formatTimestamp(*until) : std::string("ever")}});
    }
}

void Daemon::takeOverDrain(std::optional<Drain> drain) {
    m_house.setDrain(drain);
    tell(webui::Events::Status);
}

asio::awaitable<nlohmann::json> Daemon::drainRequest(nlohmann::json request) {
    const bool shows = request.value("operation", nlohmann::json()) == "drain.show";
    std::optional<Drain> drain;
    auto perform = [this, &drain, request = std::move(request)]() mutable {
        nlohmann::json answer = m_operations.perform(std::move(request));
        try {
            drain = loadDrain(m_layout);
        } catch (const Error&) {
            drain.reset();  // the operation said so
        }
        return answer;
    };
    nlohmann::json answer = co_await net::offload(m_records, std::move(perform));
    if (drain != m_house.drain()) {
        takeOverDrain(drain);
    }
    if (shows && answer.value("ok", false) && m_house.draining()) {
        const auto status = co_await m_shownStatus.get();
        answer["drain"] = status->at("drain");
    }
    co_return answer;
}

asio::awaitable<void> Daemon::watchDrain() {
    if (!m_house.drain()) {
        co_return;
    }
    if (!m_house.draining()) {
        // Looked at again in its lane: somebody may just have asked for a longer one.
        auto finish = [this]() -> std::optional<Drain> {
            const auto present = loadDrain(m_layout);
            if (present && !present->isOver(std::chrono::system_clock::now())) {
                return present;
            }
            saveDrain(m_layout, std::nullopt);
            log::notice("drain is over: mail is taken again");
            return std::nullopt;
        };
        auto drain = co_await net::offload(m_records, std::move(finish));
        takeOverDrain(drain);
        co_return;
    }
    const WallTime since = m_house.drain()->since;
    if (m_drainedSaid == since) {
        co_return;
    }
    const auto status = co_await m_shownStatus.get();
    const nlohmann::json& drain = status->at("drain");
    if (drain.is_object() && drain.at("drained").get<bool>()) {
        m_drainedSaid = since;
        log::notice("drained, safe to stop: no SMTP session is open, and no message waits");
        tell(webui::Events::Status);
    }
}

}  // namespace gateway
