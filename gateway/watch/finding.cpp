#include "gateway/watch/finding.h"

#include <array>
#include <utility>

namespace gateway {

namespace {

using nlohmann::json;
using std::chrono::hours;

/// How long mail systems go on trying what was answered with 4xx, by their makers' documents.
constexpr std::array<std::pair<const char*, hours>, 3> kPatience{
    {{"Exchange Online", hours(24)}, {"Exchange", hours(48)}, {"Google", hours(8 * 24)}}};

}  // namespace

std::vector<HealthFinding::Deadline> sendersGiveUp(WallTime since) {
    std::vector<HealthFinding::Deadline> deadlines;
    for (const auto& [who, patience] : kPatience) {
        deadlines.push_back({who, since + patience});
    }
    return deadlines;
}

HealthFinding& add(Findings& findings, const char* kind, Severity severity, std::string text,
                   std::string advice) {
    HealthFinding& finding = findings.emplace_back();
    finding.kind = kind;
    finding.severity = severity;
    finding.text = std::move(text);
    finding.advice = std::move(advice);
    return finding;
}

std::string named(const HealthSnapshot::Mailbox& mailbox) {
    return mailbox.address + " (" + mailbox.name + ')';
}

std::string counted(std::uint64_t count, const std::string& one, const std::string& many) {
    return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

std::string span(WallTime from, WallTime to) {
    const auto whole = std::chrono::duration_cast<hours>(to - from).count();
    return whole >= 72 ? counted(static_cast<std::uint64_t>(whole / 24), "day", "days")
           : whole > 0 ? counted(static_cast<std::uint64_t>(whole), "hour", "hours")
                       : "less than an hour";
}

json toJson(const HealthFinding& finding, WallTime now) {
    json deadlines = json::array();
    json next;
    for (const HealthFinding::Deadline& deadline : finding.deadlines) {
        const std::string at = formatTimestamp(deadline.at);
        deadlines.push_back({{"who", deadline.who}, {"at", at}});
        if (next.is_null() && deadline.at >= now) {
            next = at;
        }
    }
    return {{"id", finding.kind + (finding.about.empty() ? "" : ':' + finding.about)},
            {"kind", finding.kind},
            {"severity", finding.severity == Severity::Critical ? "critical" : "warning"},
            {"mailbox", finding.mailbox.empty() ? json() : json(finding.mailbox)},
            {"since", finding.since ? json(formatTimestamp(*finding.since)) : json()},
            {"text", finding.text},
            {"advice", finding.advice},
            {"deadline", std::move(next)},
            {"deadlines", std::move(deadlines)}};
}

std::string describeDeadlines(const std::vector<HealthFinding::Deadline>& deadlines, WallTime now) {
    std::string text;
    for (const HealthFinding::Deadline& deadline : deadlines) {
        const bool thing = deadline.who.starts_with("The ");
        const char* verb =
            deadline.at < now ? (thing ? " ended" : " gave up") : (thing ? " ends" : " gives up");
        text += (text.empty() ? "" : ", ") + deadline.who + verb + " at " +
                formatTimestamp(deadline.at);
    }
    return text;
}

}  // namespace gateway
