#include "gateway/watch/alerts.h"

#include <algorithm>
#include <set>

#include "gateway/base/json_text.h"
#include "gateway/mail/message_id.h"
#include "gateway/watch/learnt_file.h"

namespace gateway {

namespace {

using nlohmann::json;

constexpr std::size_t kSpelt = 3;  ///< findings in one text
constexpr const char* kOpen = "-open";
constexpr const char* kResolved = "-resolved";

/// What could not be told is no news either.
bool isAboutTelling(const json& finding) { return textIn(finding, "kind") == "webhook"; }

bool isCritical(const json& finding) { return textIn(finding, "severity") == "critical"; }

/// The least text of that name: of timestamps the earliest.
json earliest(const std::vector<json>& findings, const char* name) {
    json least;
    for (const json& finding : findings) {
        const std::string text = textIn(finding, name);
        if (!text.empty() && (least.is_null() || text < least.get_ref<const std::string&>())) {
            least = text;
        }
    }
    return least;
}

/// One finding's own words; of several the first ones, and how many there are.
std::string joined(const std::vector<json>& findings, const char* name) {
    if (findings.size() == 1) {
        return textIn(findings.front(), name);
    }
    std::vector<std::string> texts;
    for (const json& finding : findings) {
        std::string text = textIn(finding, name);
        if (std::find(texts.begin(), texts.end(), text) == texts.end()) {
            texts.push_back(std::move(text));
        }
    }
    std::string result;
    for (std::size_t i = 0; i < std::min(texts.size(), kSpelt); ++i) {
        result += (i > 0 ? "; " : "") + texts[i];
    }
    return texts.size() > kSpelt
               ? result + "; and " + std::to_string(texts.size() - kSpelt) + " more"
               : result;
}

std::filesystem::path fileOf(const Layout& layout) { return layout.state() / "alerts.json"; }

}  // namespace

void Alerts::look(const json& warnings, WallTime now) {
    std::map<std::string, json> present;
    for (const json& finding : warnings) {
        if (!isAboutTelling(finding)) {
            // One that gets worse is news.
            present.emplace(textIn(finding, "id") + '/' + textIn(finding, "severity"), finding);
        }
    }
    forgetGone(present, now);
    takePending(present, now);
    openDue(now);
}

void Alerts::forgetGone(const std::map<std::string, json>& present, WallTime now) {
    for (Alert& alert : m_alerts) {
        for (auto it = alert.open.begin(); it != alert.open.end();) {
            auto& [id, gone] = *it;
            if (present.contains(id)) {
                gone.reset();
            } else if (!gone || now < *gone) {  // the clock was set back
                gone = now;
            }
            it = gone && now - *gone >= kGone ? alert.open.erase(it) : std::next(it);
        }
        alert.resolved = alert.resolved || alert.open.empty();
    }
    // Nobody was told that it began.
    std::erase_if(m_alerts, [](const Alert& alert) { return alert.resolved && !alert.told; });
}

void Alerts::takePending(const std::map<std::string, json>& present, WallTime now) {
    std::erase_if(m_pending, [&](const auto& item) { return !present.contains(item.first); });
    std::set<std::string> known;
    for (const Alert& alert : m_alerts) {
        for (const auto& [id, gone] : alert.open) {
            known.insert(id);
        }
    }
    for (const auto& [id, finding] : present) {
        if (!known.contains(id)) {
            Pending& pending = m_pending.try_emplace(id, Pending{now, finding}).first->second;
            pending.since = std::min(pending.since, now);
            pending.finding = finding;
        }
    }
}

bool Alerts::isDue(const std::string& kind, WallTime now) const {
    bool held = false;
    bool critical = false;
    for (const auto& [id, pending] : m_pending) {
        if (textIn(pending.finding, "kind") == kind && now - pending.since >= kHold) {
            held = true;
            critical = critical || isCritical(pending.finding);
        }
    }
    const auto apart = critical ? kApartWhereCritical : kApart;
    const auto last = m_opened.find(kind);
    const bool justTold =
        last != m_opened.end() && now >= last->second && now - last->second < apart;
    return held && !justTold;
}

void Alerts::openDue(WallTime now) {
    std::set<std::string> kinds;
    for (const auto& [id, pending] : m_pending) {
        kinds.insert(textIn(pending.finding, "kind"));
    }
    for (const std::string& kind : kinds) {
        if (!isDue(kind, now)) {
            continue;
        }
        // Also those that are younger: what begins together is told together.
        Alert& alert = m_alerts.emplace_back();
        alert.id = MessageId::generate(now).str();
        alert.kind = kind;
        m_opened[kind] = now;
        for (auto it = m_pending.begin(); it != m_pending.end();) {
            if (textIn(it->second.finding, "kind") == kind) {
                alert.open.emplace(it->first, std::nullopt);
                alert.findings.push_back(std::move(it->second.finding));
                it = m_pending.erase(it);
            } else {
                ++it;
            }
        }
        log::notice("alert", {{"kind", kind},
                              {"id", alert.id},
                              {"findings", alert.findings.size()},
                              {"text", joined(alert.findings, "text")}});
    }
}

json Alerts::bodyOf(const Alert& alert) {
    json mailboxes = json::array();
    bool critical = false;
    for (const json& finding : alert.findings) {
        critical = critical || isCritical(finding);
        std::string mailbox = textIn(finding, "mailbox");
        if (!mailbox.empty() && mailboxes.size() < kMostNamed) {
            mailboxes.push_back(std::move(mailbox));
        }
    }
    const bool one = alert.findings.size() == 1 && mailboxes.size() == 1;
    return {{"id", alert.id},
            {"kind", alert.kind},
            {"severity", critical ? "critical" : "warning"},
            {"mailbox", one ? mailboxes.front() : json()},
            {"mailboxes", mailboxes},
            {"findings", alert.findings.size()},
            {"since", earliest(alert.findings, "since")},
            {"deadline", earliest(alert.findings, "deadline")},
            {"text", joined(alert.findings, "text")},
            {"advice", joined(alert.findings, "advice")},
            {"state", alert.resolved ? "resolved" : "open"}};
}

std::optional<Alerts::Notice> Alerts::next() const {
    for (const Alert& alert : m_alerts) {
        if (!alert.told || alert.resolved) {
            return Notice{alert.id + (alert.told ? kResolved : kOpen), bodyOf(alert)};
        }
    }
    return std::nullopt;
}

void Alerts::told(const std::string& noticeId) {
    for (Alert& alert : m_alerts) {
        alert.told = alert.told || noticeId == alert.id + kOpen;
    }
    std::erase_if(m_alerts, [&](const Alert& alert) {
        return alert.resolved && noticeId == alert.id + kResolved;
    });
}

std::string Alerts::text() const {
    json alerts = json::array();
    for (const Alert& alert : m_alerts) {
        json open = json::object();
        for (const auto& [id, gone] : alert.open) {
            open[id] = gone ? json(formatTimestamp(*gone)) : json();
        }
        alerts.push_back({{"id", alert.id},
                          {"kind", alert.kind},
                          {"told", alert.told},
                          {"resolved", alert.resolved},
                          {"findings", alert.findings},
                          {"open", std::move(open)}});
    }
    json opened = json::object();
    for (const auto& [kind, at] : m_opened) {
        opened[kind] = formatTimestamp(at);
    }
    const json document{
        {"format", 1}, {"alerts", std::move(alerts)}, {"opened", std::move(opened)}};
    return document.dump(1, ' ', false, json::error_handler_t::replace) + '\n';
}

std::optional<Alerts> Alerts::parse(std::string_view text, std::string& why) {
    Alerts result;
    try {
        const json document = json::parse(text);
        if (!isOfKnownFormat(document, why, result.m_fileIsNewer)) {
            return result.m_fileIsNewer ? std::optional(result) : std::nullopt;
        }
        for (const json& entry : document.at("alerts")) {
            Alert& alert = result.m_alerts.emplace_back();
            alert.id = entry.at("id").get<std::string>();
            alert.kind = entry.at("kind").get<std::string>();
            alert.told = entry.at("told").get<bool>();
            alert.resolved = entry.at("resolved").get<bool>();
            alert.findings = entry.at("findings").get<std::vector<json>>();
            for (const auto& [id, gone] : entry.at("open").items()) {
                alert.open[id] =
                    gone.is_null() ? std::nullopt : parseTimestamp(gone.get<std::string>());
            }
        }
        for (const auto& [kind, at] : document.at("opened").items()) {
            result.m_opened[kind] = parseTimestamp(at.get<std::string>()).value();
        }
    } catch (const std::exception& error) {  // no JSON, a field of another kind, no time
        why = error.what();
        return std::nullopt;
    }
    return result;
}

Alerts Alerts::load(const Layout& layout) {
    return loadLearnt<Alerts>(
        fileOf(layout), "which alerts were told is not known any more; what is open is told anew");
}

void Alerts::save(const Layout& layout) const {
    if (!m_fileIsNewer) {
        writeDurably(fileOf(layout), text());
    }
}

}  // namespace gateway
