#include "gateway/watch/metrics.h"

#include <array>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/base/text.h"

namespace gateway {

namespace {

using nlohmann::json;
using Labels = std::vector<std::pair<std::string_view, std::string>>;

/// One metric after another; each is named and described before its first figure.
class Page {
public:
    void begin(const char* name, const char* type, const char* help) {
        m_name = std::string("postern_") + name;
        m_head = "# HELP " + m_name + ' ' + help + "\n# TYPE " + m_name + ' ' + type + '\n';
    }
    template <typename Number>
    void add(const Labels& labels, Number value) {
        addPart("", labels, value);
    }
    /// Of a histogram, which has several under one name.
    template <typename Number>
    void addPart(const char* suffix, const Labels& labels, Number value) {
        m_text += std::exchange(m_head, {}) + m_name + suffix;
        for (const auto& [label, text] : labels) {
            m_text += &label == &labels.front().first ? '{' : ',';
            m_text += std::string(label) + "=\"" + escaped(text) + '"';
        }
        m_text += (labels.empty() ? " " : "} ") + std::to_string(value) + '\n';
    }
    std::string take() { return std::move(m_text); }

private:
    static std::string escaped(std::string_view text) {
        std::string result;
        for (const char c : text) {
            result += c == '\\' || c == '"' ? std::string{'\\', c}
                      : c == '\n'           ? std::string("\\n")
                                            : std::string(1, c);
        }
        return result;
    }
    std::string m_name;
    std::string m_head;
    std::string m_text;
};

std::optional<std::uint64_t> numberIn(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_number_unsigned()
               ? std::optional(found->get<std::uint64_t>())
               : std::nullopt;
}

std::optional<WallTime> timeIn(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_string() ? parseTimestamp(found->get<std::string>())
                                                       : std::nullopt;
}

const json& partOf(const json& object, const char* name) {
    static const json none;
    const auto found = object.find(name);
    return found == object.end() ? none : *found;
}

std::int64_t seconds(WallTime from, WallTime to) {
    return std::chrono::duration_cast<std::chrono::seconds>(to - from).count();
}

void addGauge(Page& page, const char* name, const char* help, const json& object,
              const char* field) {
    page.begin(name, "gauge", help);
    if (const auto value = numberIn(object, field)) {
        page.add({}, *value);
    }
}

void addServer(Page& page, const json& status, WallTime now) {
    page.begin("info", "gauge", "1, with the version that runs.");
    page.add({{"version", status.at("version").get<std::string>()}}, 1);
    if (const auto since = timeIn(status, "since")) {
        page.begin("start_time_seconds", "gauge", "When the server started, since 1970.");
        page.add({}, seconds(WallTime(), *since));
    }
    const json& sessions = partOf(status, "sessions");
    addGauge(page, "smtp_sessions", "Open SMTP connections.", sessions, "smtp");
    addGauge(page, "pop3_sessions", "Open POP3 connections.", sessions, "pop3");
    addGauge(page, "disk_free_bytes", "Free space on the disk of the messages.",
             partOf(status, "disk"), "free");
    if (const auto ends = timeIn(partOf(status, "certificate"), "ends")) {
        page.begin("certificate_expiry_seconds", "gauge",
                   "Time until the certificate ends; negative afterwards.");
        page.add({}, seconds(now, *ends));
    }
    const json& drain = partOf(status, "drain");
    page.begin("draining", "gauge", "1 while new mail is sent to other nodes.");
    page.add({}, drain.is_null() ? 0 : 1);
    page.begin("drained", "gauge", "1 while it drains and is empty: safe to stop.");
    page.add({}, drain.is_object() && drain.value("drained", false) ? 1 : 0);
}

void addWarnings(Page& page, const json& status) {
    std::map<std::pair<std::string, std::string>, std::uint64_t> counts;
    for (const json& warning : partOf(status, "warnings")) {
        ++counts[{warning.at("kind").get<std::string>(),
                  warning.at("severity").get<std::string>()}];
    }
    page.begin("warnings", "gauge", "What needs attention, as in `postern status`.");
    for (const auto& [kind, count] : counts) {
        page.add({{"kind", kind.first}, {"severity", kind.second}}, count);
    }
}

void addWaiting(Page& page, const json& status, WallTime now) {
    const auto eachMailbox = [&](const char* name, const char* help, auto valueOf) {
        page.begin(name, "gauge", help);
        for (const json& mailbox : partOf(status, "mailboxes")) {
            if (const auto value = valueOf(mailbox)) {
                page.add({{"mailbox", mailbox.at("address").get<std::string>()}}, *value);
            }
        }
    };
    eachMailbox("mailbox_waiting_messages", "Messages that wait for the archiver.",
                [](const json& each) { return numberIn(partOf(each, "waiting"), "messages"); });
    eachMailbox("mailbox_waiting_bytes", "Octets of those, as POP3 sends them.",
                [](const json& each) { return numberIn(partOf(each, "waiting"), "octets"); });
    eachMailbox("mailbox_oldest_seconds", "How long the oldest of them waits; 0 where none does.",
                [&](const json& each) -> std::optional<std::int64_t> {
                    const json& waiting = partOf(each, "waiting");
                    const auto oldest = timeIn(waiting, "oldest");
                    return !waiting.is_object() ? std::nullopt
                           : oldest             ? std::optional(seconds(*oldest, now))
                                                : std::optional(std::int64_t{0});
                });
    eachMailbox("mailbox_locked_messages", "Messages that need an earlier password.",
                [](const json& each) { return numberIn(each, "locked"); });
}

void addTraffic(Page& page, const json& status,
                const std::map<MailboxId, MailboxTraffic>& traffic) {
    const auto eachMailbox = [&](const char* name, const char* help, auto member) {
        page.begin(name, "counter", help);
        for (const json& mailbox : partOf(status, "mailboxes")) {
            const std::string address = mailbox.at("address").get<std::string>();
            const auto id = MailboxId::parse(address);
            const auto found = id ? traffic.find(*id) : traffic.end();
            page.add({{"mailbox", address}},
                     found == traffic.end() ? std::uint64_t{0} : found->second.*member);
        }
    };
    eachMailbox("mailbox_received_total", "Messages taken since the server started.",
                &MailboxTraffic::received);
    eachMailbox("mailbox_fetched_total", "Messages sent whole by POP3 since the server started.",
                &MailboxTraffic::fetched);
}

/// Each class holds those below it, too.
void addStoreTimes(Page& page, const StoreTimes& stored) {
    page.begin("store_seconds", "histogram",
               "From a message's last octet until it was durable, since the server started.");
    std::uint64_t sum = 0;
    for (std::size_t number = 0; number <= StoreTimes::kEnds.size(); ++number) {
        sum += stored.count(number);
        const bool last = number == StoreTimes::kEnds.size();
        std::array<char, 16> end{};
        std::snprintf(end.data(), end.size(), "%g", last ? 0 : StoreTimes::kEnds.at(number));
        page.addPart("_bucket", {{"le", last ? "+Inf" : end.data()}}, sum);
    }
    page.addPart("_sum", {}, stored.sum());
    page.addPart("_count", {}, sum);
}

/// Strangers can name as many mailboxes as they like: those that nobody knows are one figure.
void addRefused(Page& page, const json& status) {
    page.begin("mailbox_refused_total", "counter",
               "Mail refused or put off since the server started; without a mailbox: for those "
               "that this node does not know.");
    std::uint64_t unknown = 0;
    const json& entries = partOf(status, "turned_away");
    for (const json& entry : entries.is_array() ? entries : json::array()) {
        const std::string reason = entry.at("reason").get<std::string>();
        const std::uint64_t refused = numberIn(entry, "refused").value_or(0);
        if (reason == "unknown_mailbox") {
            unknown += refused;
        } else {
            page.add({{"mailbox", entry.at("mailbox").get<std::string>()}, {"reason", reason}},
                     refused);
        }
    }
    if (entries.is_array()) {
        page.add({{"mailbox", ""}, {"reason", "unknown_mailbox"}}, unknown);
    }
}

void addTwins(Page& page, const json& status) {
    const auto eachTwin = [&](const char* name, const char* help, const char* field) {
        page.begin(name, "gauge", help);
        for (const json& twin : partOf(status, "twins")) {
            if (const auto value = numberIn(twin, field)) {
                page.add({{"twin", twin.at("name").get<std::string>()}}, *value);
            }
        }
    };
    eachTwin("twin_lag_seconds", "How long this node and its twin do not know the same; 0 in step.",
             "lag_seconds");
    eachTwin("twin_differing_mailboxes", "Mailboxes about which the two know something else.",
             "differing");
}

}  // namespace

std::string describeMetrics(const json& status, const std::map<MailboxId, MailboxTraffic>& traffic,
                            WallTime now, const StoreTimes& stored) {
    Page page;
    addServer(page, status, now);
    addWarnings(page, status);
    addWaiting(page, status, now);
    addTraffic(page, status, traffic);
    addStoreTimes(page, stored);
    addRefused(page, status);
    addTwins(page, status);
    return page.take();
}

}  // namespace gateway
