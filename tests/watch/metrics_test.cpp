// Figures for Prometheus: each as its status says, escaped, and none invented.
#include "gateway/watch/metrics.h"

#include <doctest/doctest.h>

using gateway::describeMetrics;
using nlohmann::json;

namespace {

const gateway::WallTime kNow = gateway::parseTimestamp("2026-11-22T12:00:00Z").value();
const std::string kAddress = "mbx-0123456789abcdef0123456789abcdef";

json statusOfOne() {
    return json::parse(R"({
        "version": "1.2.3", "since": "2026-11-22T11:00:00Z",
        "sessions": {"smtp": 3, "pop3": 1}, "disk": {"free": 5000000000},
        "certificate": {"ends": "2026-11-22T11:59:00Z"}, "drain": null,
        "mailboxes": [{"address": "mbx-0123456789abcdef0123456789abcdef", "locked": 2,
            "waiting": {"messages": 7, "octets": 900, "oldest": "2026-11-22T11:58:00Z"}}],
        "turned_away": [
            {"mailbox": "mbx-0123456789abcdef0123456789abcdef", "reason": "suspended", "refused": 4},
            {"mailbox": "mbx-1", "reason": "unknown_mailbox", "refused": 5},
            {"mailbox": "mbx-2", "reason": "unknown_mailbox", "refused": 6}],
        "twins": [{"name": "msgw2", "lag_seconds": 90, "differing": 2},
                  {"name": "never reached", "lag_seconds": null, "differing": 0}],
        "warnings": [{"kind": "certificate", "severity": "critical"},
                     {"kind": "locked", "severity": "warning"},
                     {"kind": "locked", "severity": "warning"}]})");
}

bool holds(const std::string& text, const std::string& line) {
    return ('\n' + text).find('\n' + line + '\n') != std::string::npos;
}

}  // namespace

TEST_CASE("every figure of the contract, by its name") {
    const std::map<gateway::MailboxId, gateway::MailboxTraffic> traffic{
        {gateway::MailboxId::parse(kAddress).value(), {11, 12}}};
    const std::string text = describeMetrics(statusOfOne(), traffic, kNow);
    const std::string of = "{mailbox=\"" + kAddress + "\"";
    CHECK(holds(text, "postern_mailbox_waiting_messages" + of + "} 7"));
    CHECK(holds(text, "postern_mailbox_waiting_bytes" + of + "} 900"));
    CHECK(holds(text, "postern_mailbox_oldest_seconds" + of + "} 120"));
    CHECK(holds(text, "postern_mailbox_locked_messages" + of + "} 2"));
    CHECK(holds(text, "postern_mailbox_received_total" + of + "} 11"));
    CHECK(holds(text, "postern_mailbox_fetched_total" + of + "} 12"));
    CHECK(holds(text, "postern_mailbox_refused_total" + of + ",reason=\"suspended\"} 4"));
    CHECK(holds(text, "postern_mailbox_refused_total{mailbox=\"\",reason=\"unknown_mailbox\"} 11"));
    CHECK(holds(text, "postern_smtp_sessions 3"));
    CHECK(holds(text, "postern_pop3_sessions 1"));
    CHECK(holds(text, "postern_disk_free_bytes 5000000000"));
    CHECK(holds(text, "postern_certificate_expiry_seconds -60"));
    CHECK(holds(text, "postern_draining 0"));
    CHECK(holds(text, "postern_drained 0"));
    CHECK(holds(text, "postern_twin_lag_seconds{twin=\"msgw2\"} 90"));
    CHECK(holds(text, "postern_twin_differing_mailboxes{twin=\"msgw2\"} 2"));
    CHECK(text.find("postern_twin_lag_seconds{twin=\"never") == std::string::npos);
    CHECK(holds(text, "postern_warnings{kind=\"locked\",severity=\"warning\"} 2"));
    CHECK(holds(text, "postern_info{version=\"1.2.3\"} 1"));
    CHECK(text.find("mbx-1") == std::string::npos);
}

TEST_CASE("every metric is described once, before its figures, and has a type") {
    const std::string text = describeMetrics(statusOfOne(), {}, kNow);
    std::size_t described = 0;
    for (std::size_t at = text.find("# TYPE "); at != std::string::npos;
         at = text.find("# TYPE ", at + 1)) {
        const std::size_t name = at + 7;
        const std::string metric = text.substr(name, text.find(' ', name) - name);
        CHECK(text.rfind("# TYPE " + metric + ' ') == at);
        const std::size_t figure = text.find('\n' + metric, at);
        CHECK(figure == text.find('\n', at));
        ++described;
    }
    CHECK(described >= 14);
}

TEST_CASE("what nobody knows is left out, and not told as 0") {
    json status = statusOfOne();
    status["disk"] = nullptr;
    status["certificate"] = nullptr;
    status["mailboxes"][0]["waiting"] = nullptr;
    status["mailboxes"][0]["locked"] = nullptr;
    const std::string text = describeMetrics(status, {}, kNow);
    for (const char* name : {"disk_free", "certificate_expiry", "waiting_messages", "waiting_bytes",
                             "oldest_seconds", "locked_messages"}) {
        CHECK_MESSAGE(text.find(name) == std::string::npos, name);
    }
    status["mailboxes"][0]["waiting"] = {{"messages", 0}, {"octets", 0}, {"oldest", nullptr}};
    CHECK(holds(describeMetrics(status, {}, kNow),
                "postern_mailbox_oldest_seconds{mailbox=\"" + kAddress + "\"} 0"));
}

TEST_CASE("how long messages took until they were durable") {
    gateway::StoreTimes stored;
    for (const double seconds : {0.0005, 0.001, 0.003, 0.3, 100.0}) {
        stored.add(std::chrono::duration<double>(seconds));
    }
    const std::string text = describeMetrics(statusOfOne(), {}, kNow, stored);
    CHECK(holds(text, "# TYPE postern_store_seconds histogram"));
    CHECK(holds(text, "postern_store_seconds_bucket{le=\"0.001\"} 2"));
    CHECK(holds(text, "postern_store_seconds_bucket{le=\"0.0025\"} 2"));
    CHECK(holds(text, "postern_store_seconds_bucket{le=\"0.005\"} 3"));
    CHECK(holds(text, "postern_store_seconds_bucket{le=\"0.25\"} 3"));
    CHECK(holds(text, "postern_store_seconds_bucket{le=\"60\"} 4"));
    CHECK(holds(text, "postern_store_seconds_bucket{le=\"+Inf\"} 5"));
    CHECK(holds(text, "postern_store_seconds_sum 100.304500"));
    CHECK(holds(text, "postern_store_seconds_count 5"));
}

TEST_CASE("a label is escaped") {
    json status = statusOfOne();
    status["version"] = "a\"b\\c\nd";
    CHECK(holds(describeMetrics(status, {}, kNow), R"(postern_info{version="a\"b\\c\nd"} 1)"));
}

TEST_CASE("a drain is told, and whether it is done") {
    json status = statusOfOne();
    for (const bool drained : {false, true}) {
        status["drain"] = {{"drained", drained}};
        const std::string text = describeMetrics(status, {}, kNow);
        CHECK(holds(text, "postern_draining 1"));
        CHECK(holds(text, std::string("postern_drained ") + (drained ? "1" : "0")));
    }
}
