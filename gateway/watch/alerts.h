// Which findings of health are told to whoever is on call, and when: what comes and goes tells
// nobody, what begins together is told together, what is over is told as well. A state machine: no
// clock, no socket; kept in state/alerts.json, for a restart is no news.
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/clock.h"
#include "gateway/mail/layout.h"

namespace gateway {

/// A value.
class Alerts {
public:
    /// A finding must have been there for so long, and be gone for so long.
    static constexpr std::chrono::minutes kHold{2};
    static constexpr std::chrono::minutes kGone{5};
    /// Between two alerts of one kind: what comes meanwhile is told together afterwards.
    static constexpr std::chrono::minutes kApart{60};
    static constexpr std::chrono::minutes kApartWhereCritical{10};
    static constexpr std::size_t kMostNamed = 200;  ///< mailboxes in one notice

    /// Takes over what needs attention now: `warnings` of describeStatus().
    void look(const nlohmann::json& warnings, WallTime now);

    /// What is to be told next, the oldest first; the same again until told() says it was.
    struct Notice {
        std::string id;  ///< of this notice; that of the alert is in the body
        /// {id, state (open | resolved), kind, severity, mailbox (null: several or none),
        /// mailboxes, since, deadline, text, advice}
        nlohmann::json body;
    };
    std::optional<Notice> next() const;
    void told(const std::string& noticeId);

    /// The file's text, and what it says; nothing where it is none, with `why`.
    std::string text() const;
    static std::optional<Alerts> parse(std::string_view text, std::string& why);

    /// Blocking. None where there is no file, or none that can be used, which is logged: then what
    /// is open is told anew.
    static Alerts load(const Layout& layout);
    /// Blocking.
    void save(const Layout& layout) const;

    /// Whether the files of both would say the same.
    bool saysTheSame(const Alerts& other) const {
        return m_alerts == other.m_alerts && m_opened == other.m_opened;
    }

private:
    struct Alert {
        std::string id;
        std::string kind;
        bool told = false;                                    ///< that it is open
        bool resolved = false;                                ///< and that is to be told
        std::vector<nlohmann::json> findings;                 ///< as they were when it was opened
        std::map<std::string, std::optional<WallTime>> open;  ///< by finding: since when it is gone
        bool operator==(const Alert&) const = default;
    };
    struct Pending {
        WallTime since;
        nlohmann::json finding;
    };

    void forgetGone(const std::map<std::string, nlohmann::json>& present, WallTime now);
    void takePending(const std::map<std::string, nlohmann::json>& present, WallTime now);
    void openDue(WallTime now);
    bool isDue(const std::string& kind, WallTime now) const;
    static nlohmann::json bodyOf(const Alert& alert);

    std::vector<Alert> m_alerts;               ///< in the order of their beginning
    std::map<std::string, WallTime> m_opened;  ///< by kind: when the last one was
    std::map<std::string, Pending> m_pending;  ///< of no alert yet
    bool m_fileIsNewer = false;                ///< then it is left untouched
};

}  // namespace gateway
