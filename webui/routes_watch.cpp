// How the gateway is: status, traffic, certificate, settings, the log, and events that tell when
// one of them changed. Never shows a secret: neither settings nor log have one.
#include <algorithm>
#include <memory>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "webui/events.h"
#include "webui/routes.h"

namespace webui {

namespace {

using gateway::net::HttpResponse;
using nlohmann::json;

namespace log = gateway::log;

constexpr std::size_t kUsualLines = 200;

std::uint64_t numberIn(const Call& call, const char* name, std::uint64_t usual,
                       std::uint64_t most) {
    const auto found = call.query.find(name);
    if (found == call.query.end()) {
        return usual;
    }
    const auto number = gateway::parseDecimal(found->second);
    if (!number || *number > most) {
        throw Refused{400, "bad_request",
                      std::string(name) + " is a number up to " + std::to_string(most) + '.'};
    }
    return *number;
}

std::string queryOf(const Call& call, const char* name) {
    const auto found = call.query.find(name);
    return found == call.query.end() ? std::string() : found->second;
}

log::Level levelIn(const Call& call) {
    const std::string name = queryOf(call, "level");
    for (const auto level : {log::Level::Debug, log::Level::Info, log::Level::Notice,
                             log::Level::Warning, log::Level::Error}) {
        if (name == log::nameOf(level) || (name.empty() && level == log::Level::Debug)) {
            return level;
        }
    }
    throw Refused{400, "bad_request", "level is debug, info, notice, warning or error."};
}

class WatchRoutes {
public:
    WatchRoutes(const Engine& engine, const std::shared_ptr<Events>& events)
        : m_engine(engine), m_events(events) {}

    asio::awaitable<HttpResponse> status(Call /*call*/) {
        const auto known = co_await m_engine.status();
        json answer = requireDone(*known);
        answer["now"] = gateway::formatTimestamp(std::chrono::system_clock::now());
        co_return jsonResponse(200, answer);
    }

    asio::awaitable<HttpResponse> traffic(Call /*call*/) {
        co_return jsonResponse(200, m_engine.traffic());
    }

    asio::awaitable<HttpResponse> settings(Call /*call*/) {
        co_return jsonResponse(200, m_engine.settings());
    }

    asio::awaitable<HttpResponse> certificate(Call /*call*/) {
        json request{{"operation", "certificate.status"}};
        co_return jsonResponse(200, requireDone(co_await m_engine.carryOut(std::move(request))));
    }

    asio::awaitable<HttpResponse> renew(Call call) {
        audit(call.caller, "certificate renewal asked for", "certificate");
        json request{{"operation", "certificate.renew"}};
        json answer = co_await m_engine.carryOut(std::move(request));
        if (!answer.value("ok", false)) {
            throw Refused{422, "refused", answer.value("error", "that failed")};
        }
        co_return jsonResponse(200, requireDone(std::move(answer)));
    }

    asio::awaitable<HttpResponse> tail(Call call) {
        const log::Level least = levelIn(call);
        const std::string wanted = gateway::lowered(queryOf(call, "contains"));
        const auto limit = numberIn(call, "limit", kUsualLines, log::kMostKept);
        auto lines = log::tail(numberIn(call, "after", 0, UINT64_MAX), log::kMostKept);
        const unsigned long long next = lines.empty() ? log::newest() : lines.back().number;
        std::erase_if(lines, [&](const log::Line& line) {
            return line.level < least ||
                   gateway::lowered(line.text).find(wanted) == std::string::npos;
        });
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(
                                                     std::min<std::size_t>(limit, lines.size())));
        co_return jsonResponse(200, {{"lines", logLinesOf(lines)}, {"next", next}});
    }

    asio::awaitable<HttpResponse> watch(Call call) {
        const bool withLog = queryOf(call, "log") == "1";
        if (withLog && !call.caller.mayManage) {
            throw Refused{403, "forbidden", "The log is for those who may manage."};
        }
        const std::string who = call.caller.token.empty() ? "account " + call.caller.name
                                                          : "token " + call.caller.token;
        HttpResponse response;
        response.fields = {{"Content-Type", "text/event-stream"}};
        response.stream = m_events->open(who, withLog, call.caller.stillCounts);
        if (!response.stream) {
            throw Refused{429,
                          "too_many",
                          "Too many pages watch already; close one, or ask again later.",
                          {{"Retry-After", "30"}}};
        }
        co_return response;
    }

private:
    const Engine& m_engine;
    const std::shared_ptr<Events> m_events;
};

}  // namespace

void addWatchRoutes(Api& api, const Engine& engine) {
    const auto routes = std::make_shared<WatchRoutes>(engine, engine.events);
    using Answer = asio::awaitable<HttpResponse> (WatchRoutes::*)(Call);
    const auto add = [&](const char* method, const char* pattern, Access access,
                         const char* operationId, Answer answer) {
        api.add({method, pattern, access, std::string_view(method) == "GET" ? 0 : kMostBody,
                 operationId,
                 [routes, answer](Call call) { return ((*routes).*answer)(std::move(call)); }});
    };
    add("GET", "/status", Access::Read, "getStatus", &WatchRoutes::status);
    add("GET", "/traffic", Access::Read, "getTraffic", &WatchRoutes::traffic);
    add("GET", "/settings", Access::Read, "getSettings", &WatchRoutes::settings);
    add("GET", "/certificate", Access::Read, "getCertificate", &WatchRoutes::certificate);
    add("POST", "/certificate/renew", Access::Manage, "renewCertificate", &WatchRoutes::renew);
    add("GET", "/log", Access::Manage, "getLog", &WatchRoutes::tail);
    add("GET", "/events", Access::Read, "watchEvents", &WatchRoutes::watch);
}

}  // namespace webui
