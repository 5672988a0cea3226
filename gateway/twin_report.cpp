#include "gateway/twin_report.h"

#include <algorithm>

#include "gateway/replica/twins_file.h"

namespace gateway {

namespace {

using nlohmann::json;

json textOrNull(const std::string& text) { return text.empty() ? json() : json(text); }

}  // namespace

json toJson(const TwinReport& report, WallTime now) {
    json lag = report.inStep ? json(std::uint64_t{0}) : json();
    if (!report.inStep && report.behindSince && report.known) {
        const auto behind = std::max(now - *report.behindSince, WallTime::duration(0));
        lag = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::seconds>(behind).count());
    }
    const auto known = [&](bool value) { return report.known ? json(value) : json(); };
    return {{"name", report.name},
            {"node", textOrNull(report.node)},
            {"url", textOrNull(report.url)},
            {"version", textOrNull(report.version)},
            {"joined", report.joined},
            {"reached", known(report.reached)},
            {"connected", known(report.connected)},
            {"in_step", known(report.inStep)},
            {"differing", report.differing},
            {"last_exchange",
             report.lastExchange ? json(formatTimestamp(*report.lastExchange)) : json()},
            {"lag_seconds", std::move(lag)},
            {"error", textOrNull(report.error)},
            {"advice", textOrNull(report.advice)}};
}

HealthSnapshot::Twin forHealth(const TwinReport& report) {
    HealthSnapshot::Twin twin;
    twin.name = report.name;
    twin.reached = report.reached;
    twin.behindSince = report.inStep ? std::nullopt : report.behindSince;
    twin.differing = report.differing;
    twin.error = report.error;
    twin.advice = report.advice;
    return twin;
}

std::vector<TwinReport> twinsOnDisk(const Config& config) {
    std::vector<TwinReport> reports;
    for (const Config::Twin& twin : config.twins) {
        TwinReport report;
        report.name = report.url = twin.url;
        report.known = false;
        reports.push_back(std::move(report));
    }
    const auto joined = replica::TwinsFile::load(Layout(config.data));
    for (const replica::JoinedTwin& twin : joined.twins()) {
        TwinReport report;
        report.name = twin.name;
        report.node = twin.node.str();
        report.url = twin.url;
        report.joined = true;
        report.known = false;
        reports.push_back(std::move(report));
    }
    return reports;
}

}  // namespace gateway
