#include "gateway/status_text.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "gateway/answer_text.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "gateway/output.h"
#include "gateway/watch/health.h"

namespace gateway {

namespace {

using nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kMostShown = 20;
constexpr std::size_t kMostInLine = 3;
constexpr std::uint64_t kCriticalCertificate = 3ULL * 86400;

std::uint64_t numberIn(const json& object, const char* name) {
    const auto found = object.find(name);
    return found != object.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

const json& partOf(const json& object, const char* name) {
    static const json none;
    const auto found = object.find(name);
    return found == object.end() ? none : *found;
}

std::string joined(const json& texts) {
    std::string result;
    for (const json& text : texts) {
        result += (result.empty() ? "" : ", ") + text.get<std::string>();
    }
    return result;
}

struct Totals {
    std::uint64_t messages = 0;
    std::uint64_t octets = 0;
    std::uint64_t locked = 0;
    std::optional<WallTime> oldest;
};

Totals totalsOf(const json& mailboxes) {
    Totals totals;
    for (const json& mailbox : mailboxes) {
        const json& waiting = partOf(mailbox, "waiting");
        totals.messages += numberIn(waiting, "messages");
        totals.octets += numberIn(waiting, "octets");
        totals.locked += numberIn(mailbox, "locked");
        if (const auto oldest = parseTimestamp(textOf(waiting, "oldest"))) {
            totals.oldest = std::min(totals.oldest.value_or(*oldest), *oldest);
        }
    }
    return totals;
}

std::string describeListener(const json& listener) {
    ListenAddress address;
    address.host = textOf(listener, "address");
    address.port = static_cast<std::uint16_t>(numberIn(listener, "port"));
    if (textOf(listener, "protocol") == "metrics") {
        return address.str() + " metrics";
    }
    if (textOf(listener, "protocol") == "web") {
        return address.str() + " web page and API";
    }
    const bool implicit = textOf(listener, "tls") == "implicit";
    if (textOf(listener, "protocol") == "smtp") {
        return address.str() + (implicit ? " SMTPS" : " SMTP with STARTTLS");
    }
    return address.str() + (implicit ? " POP3S" : " POP3 with STLS");
}

/// "7 h 59 min", "59 min", "30 s".
std::string countDown(std::uint64_t seconds) {
    const std::uint64_t minutes = seconds / 60;
    return minutes == 0 ? std::to_string(seconds) + " s"
           : minutes < 60
               ? std::to_string(minutes) + " min"
               : std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

void addDrain(const json& status, Rows& rows) {
    const json& drain = partOf(status, "drain");
    if (!drain.is_object()) {
        return;
    }
    rows.push_back({"Drain", textOf(drain, "text")});
    rows.push_back({"  since", textOf(drain, "since")});
    rows.push_back({"  ends", drain.at("until").is_string()
                                  ? "at " + textOf(drain, "until") + ", in " +
                                        countDown(numberIn(drain, "seconds_left"))
                                  : std::string("when `postern drain off` ends it")});
}

void addState(const json& status, Rows& rows) {
    if (const json& certificate = partOf(status, "certificate"); certificate.is_object()) {
        const std::string days = std::to_string(certificate.at("days_left").get<std::int64_t>());
        std::string text = joined(certificate.at("names")) + "; " + days + " days left, " +
                           textOf(certificate, "source");
        if (certificate.at("renewal").is_string()) {
            text += ", renewed at " + textOf(certificate, "renewal");
        }
        rows.push_back({"Certificate", text});
        rows.push_back({"  issued by", textOf(certificate, "issuer")});
        if (certificate.at("refused").is_string()) {
            rows.push_back({"  not used", textOf(certificate, "refused")});
        }
    }
    if (const json& sessions = partOf(status, "sessions"); sessions.is_object()) {
        rows.push_back({"Sessions", numberOf(sessions, "smtp") + " SMTP, " +
                                        numberOf(sessions, "pop3") + " POP3"});
    }
    if (const json& disk = partOf(status, "disk"); disk.is_object()) {
        std::string text = describeSize(numberIn(disk, "free")) + " free, of which " +
                           describeSize(numberIn(disk, "min_free")) + " are kept free";
        if (disk.at("projected").is_string()) {
            text += "; used up at " + textOf(disk, "projected") + " at this pace";
        }
        rows.push_back({"Disk", text});
    }
    const Totals totals = totalsOf(status.at("mailboxes"));
    rows.push_back(
        {"Mail", std::to_string(totals.messages) + " messages wait (" +
                     describeSize(totals.octets) + "), " + std::to_string(totals.locked) +
                     " are locked" +
                     (totals.oldest ? ", the oldest of " + formatTimestamp(*totals.oldest)
                                    : std::string())});
}

void addTurnedAway(const json& status, Rows& rows) {
    const json& entries = partOf(status, "turned_away");
    std::size_t shown = 0;
    for (const json& entry : entries.is_array() ? entries : json::array()) {
        if (++shown > kMostShown) {
            rows.push_back({"", "and more: `postern status --json`"});
            return;
        }
        rows.push_back({shown == 1 ? "Turned away" : "",
                        textOf(entry, "mailbox") + ' ' + textOf(entry, "reason") + ": " +
                            numberOf(entry, "refused") + " refused, " +
                            numberOf(entry, "observed") + " taken all the same; last " +
                            textOf(entry, "last") + " from " + textOf(entry, "peer")});
    }
}

std::vector<HealthFinding::Deadline> deadlinesOf(const json& warning) {
    std::vector<HealthFinding::Deadline> deadlines;
    for (const json& deadline : warning.at("deadlines")) {
        if (const auto at = parseTimestamp(textOf(deadline, "at"))) {
            deadlines.push_back({textOf(deadline, "who"), *at});
        }
    }
    return deadlines;
}

std::string describeWarnings(const json& warnings) {
    if (warnings.empty()) {
        return "Nothing needs attention.\n";
    }
    std::string text;
    std::size_t shown = 0;
    for (const json& warning : warnings) {
        if (++shown > kMostShown) {
            return text + "and " + std::to_string(warnings.size() - kMostShown) +
                   " more: `postern status --json`\n";
        }
        text += textOf(warning, "severity") + ": " +
                printable(warning.at("text").get<std::string>(), 2000);
        if (warning.at("since").is_string()) {
            text += ", since " + textOf(warning, "since");
        }
        text += "\n    " + printable(warning.at("advice").get<std::string>(), 2000) + '\n';
        const std::string until =
            describeDeadlines(deadlinesOf(warning), std::chrono::system_clock::now());
        text += until.empty() ? "" : "    " + until + '\n';
    }
    return text;
}

std::string describeMailboxes(const json& mailboxes) {
    if (mailboxes.empty()) {
        return "No mailbox yet; make one with `postern mailbox create --name NAME`.\n";
    }
    Rows rows{{"ADDRESS", "NAME", "STATUS", "WAITING", "OLDEST", "LOCKED", "LAST RECEIVED",
               "LAST FETCHED"}};
    for (const json& mailbox : mailboxes) {
        const json& waiting = partOf(mailbox, "waiting");
        rows.push_back({textOf(mailbox, "address"), textOf(mailbox, "name"),
                        textOf(mailbox, "status"), numberOf(waiting, "messages"),
                        textOf(waiting, "oldest"), numberOf(mailbox, "locked"),
                        textOf(mailbox, "last_received"), textOf(mailbox, "last_fetched")});
    }
    return asTable(rows);
}

/// 'label'=value[unit];[warn];[crit];[min]
std::string figure(const std::string& label, std::uint64_t value, const std::string& rest) {
    return ' ' + label + '=' + std::to_string(value) + rest;
}

std::string figuresOf(const json& status, const Config& config) {
    const Totals totals = totalsOf(status.at("mailboxes"));
    const auto now = std::chrono::system_clock::now();
    std::uint64_t age = 0;
    if (totals.oldest && *totals.oldest < now) {
        age = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::seconds>(now - *totals.oldest).count());
    }
    std::string text = figure("waiting", totals.messages, ";;;0");
    text += figure("waiting_bytes", totals.octets, "B;;;0");
    text += figure("oldest", age, "s;" + std::to_string(config.alerts.unfetched.count()) + ";;0");
    text += figure("locked", totals.locked, ";0;;0");
    if (const json& disk = partOf(status, "disk"); disk.is_object()) {
        text += figure("free", numberIn(disk, "free"),
                       "B;;" + std::to_string(numberIn(disk, "min_free")) + ":;0");
    }
    if (const json& certificate = partOf(status, "certificate"); certificate.is_object()) {
        const auto ends = parseTimestamp(textOf(certificate, "ends")).value_or(now);
        const auto left = std::chrono::duration_cast<std::chrono::seconds>(ends - now).count();
        text += " certificate=" + std::to_string(left) + "s;" +
                std::to_string(config.alerts.certificate.count()) + ":;" +
                std::to_string(kCriticalCertificate) + ':';
    }
    if (const json& sessions = partOf(status, "sessions"); sessions.is_object()) {
        text += figure("smtp_sessions", numberIn(sessions, "smtp"), ";;;0");
        text += figure("pop3_sessions", numberIn(sessions, "pop3"), ";;;0");
    }
    return text;
}

}  // namespace

std::string describeForPeople(const json& status) {
    const bool running = status.at("running").get<bool>();
    std::string text = "Postern " + textOf(status, "version") + " on " +
                       textOf(status, "hostname") + " for " + textOf(status, "domain");
    text += running ? ", running since " + textOf(status, "since") + "\n\n"
                    : ", not running; this is what the disk tells\n\n";
    text += describeWarnings(status.at("warnings")) + '\n';
    Rows rows;
    for (const json& listener : status.at("listeners")) {
        rows.push_back({rows.empty() ? "Listeners" : "", describeListener(listener)});
    }
    addDrain(status, rows);
    addState(status, rows);
    addTurnedAway(status, rows);
    return text + asTable(rows) + '\n' + describeMailboxes(status.at("mailboxes"));
}

CheckState checkState(const json& status) {
    const json& warnings = status.at("warnings");
    if (warnings.empty()) {
        return CheckState::Ok;
    }
    return textOf(warnings.front(), "severity") == "critical" ? CheckState::Critical
                                                              : CheckState::Warning;
}

std::string checkLine(const json& status, const Config& config) {
    const json& warnings = status.at("warnings");
    std::string text;
    switch (checkState(status)) {
        case CheckState::Critical:
            text = "POSTERN CRITICAL - ";
            break;
        case CheckState::Warning:
            text = "POSTERN WARNING - ";
            break;
        default:
            text = "POSTERN OK - " + std::to_string(totalsOf(status.at("mailboxes")).messages) +
                   " messages wait in " + std::to_string(status.at("mailboxes").size()) +
                   " mailboxes";
    }
    const std::size_t said = std::min<std::size_t>(warnings.size(), kMostInLine);
    for (std::size_t i = 0; i < said; ++i) {
        text += (i > 0 ? "; " : "") + printable(warnings[i].at("text").get<std::string>(), 250);
        const std::string until =
            describeDeadlines(deadlinesOf(warnings[i]), std::chrono::system_clock::now());
        text += until.empty() ? "" : " (" + until + ')';
    }
    if (warnings.size() > said) {
        text += "; and " + std::to_string(warnings.size() - said) + " more";
    }
    std::replace(text.begin(), text.end(), '|', '/');  // what follows one are figures
    return text + " |" + figuresOf(status, config);
}

}  // namespace gateway
