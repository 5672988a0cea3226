// Who is logged in to the page. In memory only, and of each only what recognises it: a restart ends
// all. Never more than a bounded number.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace webui {

/// Belongs to the I/O thread.
class Sessions {
public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::size_t kMostOfOne = 20;  ///< of an account; the longest unused goes

    struct Limits {
        std::chrono::seconds idle;
        std::chrono::seconds length;
    };
    struct Session {
        std::string name;        ///< of the account
        std::string credential;  ///< what its password hash was; another ends the session
        std::string csrf;
        Time ends;
        std::chrono::system_clock::time_point endsAt;  ///< the same, to be told: never two answers
        Time lastUsed;
    };
    /// What its cookie holds, told once: 256 random bits in hex.
    struct Opened {
        std::string id;
        std::string csrf;
    };

    explicit Sessions(Limits limits) : m_limits(limits) {}

    Opened open(const std::string& name, const std::string& credential, Time now);
    /// The session of that id, by its digest; null where there is none, or its time is over. Using
    /// it is touch().
    const Session* find(const std::string& digest, Time now);
    void touch(const std::string& digest, Time now);
    /// The same session under a new id, which is returned, and for a new credential; nothing where
    /// it is not there any more.
    std::optional<std::string> renew(const std::string& digest, const std::string& credential,
                                     Time now);
    /// False where there was none.
    bool close(const std::string& digest);

    const Limits& limits() const { return m_limits; }
    std::size_t count() const { return m_sessions.size(); }

private:
    bool isOver(const Session& session, Time now) const;
    void makeRoom(const std::string& name, Time now);

    const Limits m_limits;
    std::map<std::string, Session> m_sessions;  ///< by the SHA-256 of the id
};

}  // namespace webui
