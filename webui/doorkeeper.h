// Says who asks: by the cookie of a session or by an API token; and lets nobody do what he may not,
// nor a foreign page make his browser do it (CSRF). Never looks at passwords: log_in.h does.
#pragma once

#include <optional>
#include <string>

#include "gateway/net/http.h"
#include "webui/api.h"
#include "webui/engine.h"
#include "webui/sessions.h"

namespace webui {

/// Belongs to the I/O thread.
class Doorkeeper {
public:
    explicit Doorkeeper(const Engine& engine);

    /// Who asks, where he may do what needs `access`. Throws Refused: 401, 403, 503.
    Caller admit(const gateway::net::HttpRequest& request, Access access);
    bool isKnown(const gateway::net::HttpRequest& request);
    /// Whether the cookie that comes with it opens a session.
    bool hasSession(const gateway::net::HttpRequest& request);

    /// A new session for the account, and what its browser is told; the one that the request shows
    /// ends, so that nobody can give a victim a session that he knows himself.
    gateway::net::HttpResponse welcome(const gateway::net::HttpRequest& request,
                                       const std::string& name);
    /// {name, csrf, idle_seconds, ends}
    nlohmann::json describe(const std::string& digest);
    /// Ends the session, and the cookie with it.
    gateway::net::HttpResponse goodbye(const Caller& caller);
    /// The session goes on after its own account got another password, under another id; any
    /// further one of the account has ended with the old password.
    void renew(const Caller& caller, gateway::net::HttpResponse& response);

private:
    std::optional<Caller> bySession(const gateway::net::HttpRequest& request);
    std::optional<Caller> byToken(const std::string& authorization) const;
    std::optional<Caller> identify(const gateway::net::HttpRequest& request);
    bool sessionCounts(const std::string& digest);
    bool tokenCounts(const std::string& id, const std::string& scope) const;
    void requireSameSite(const gateway::net::HttpRequest& request) const;
    void requireCsrf(const gateway::net::HttpRequest& request, const Caller& caller);

    const Engine& m_engine;
    Sessions m_sessions;
};

}  // namespace webui
