#include "webui/doorkeeper.h"

#include <algorithm>

#include "crypto/secret.h"
#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "webui/opaque_token.h"

namespace webui {

namespace {

using gateway::net::HttpRequest;
using gateway::net::HttpResponse;

/// RFC 6265bis 4.1.3.2: a browser takes it from this very host only, by HTTPS, for all of it.
constexpr std::string_view kCookie = "__Host-postern";
constexpr std::string_view kCookieTerms = "; Path=/; Secure; HttpOnly; SameSite=Strict";
constexpr std::string_view kBearer = "bearer ";

Sessions::Time now() { return std::chrono::steady_clock::now(); }

/// What the cookie holds; empty where there is none, or two of that name.
std::string cookieIn(const HttpRequest& request) {
    const std::string* const field = request.field("cookie");
    std::string found;
    std::string_view rest = field != nullptr ? std::string_view(*field) : std::string_view();
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(';'), rest.size());
        const std::string_view pair = gateway::trimmed(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.starts_with(kCookie) && pair.substr(kCookie.size()).starts_with('=')) {
            if (!found.empty()) {
                return {};
            }
            found = pair.substr(kCookie.size() + 1);
        }
    }
    return found;
}

std::string cookie(const std::string& value) {
    return std::string(kCookie) + '=' + value + std::string(kCookieTerms);
}

/// What recognises the account's password; empty where there is no such account.
std::string credentialOf(const Engine& engine, const std::string& name) {
    const auto admins = engine.admins();
    if (!admins) {
        return {};
    }
    const auto& accounts = admins->accounts();
    const auto found = std::find_if(accounts.begin(), accounts.end(),
                                    [&](const auto& account) { return account.name == name; });
    return found == accounts.end() ? std::string() : found->hash.str();
}

bool changes(const HttpRequest& request) {
    return request.method != "GET" && request.method != "HEAD";
}

bool allows(const Caller& caller, Access access) {
    switch (access) {
        case Access::Anyone:
            return true;
        case Access::Read:
            return !caller.session.empty() || caller.scope == "read" || caller.mayManage;
        case Access::Session:
            return !caller.session.empty();
        case Access::Manage:
            return caller.mayManage;
        case Access::Replicate:
            return caller.scope == "replicate";
        case Access::Join:
            return caller.scope == "join";
    }
    return false;
}

/// Why that is not enough, in words.
const char* takes(Access access) {
    switch (access) {
        case Access::Session:
            return "This takes a log-in by password; a token is not enough.";
        case Access::Replicate:
            return "This is for twins, by a token of the scope replicate.";
        case Access::Join:
            return "This is for a node that was invited, by the token of its invitation.";
        case Access::Read:
            return "The token's scope is not enough; this takes the scope read or manage.";
        default:
            return "The token's scope is not enough; this takes the scope manage.";
    }
}

/// An invitation ends by itself.
bool isOver(const Admins::Token& token) {
    const auto age = std::chrono::system_clock::now() - token.created;
    return token.scope == scopeName(TokenScope::Join) &&
           (age > kInvitationLasts || age < -kInvitationLasts);
}

const std::string& valueOf(const HttpRequest& request, std::string_view field) {
    static const std::string none;
    const std::string* const value = request.field(field);
    return value != nullptr ? *value : none;
}

}  // namespace

Doorkeeper::Doorkeeper(const Engine& engine)
    : m_engine(engine), m_sessions({engine.sessionIdle, engine.sessionLength}) {}

bool Doorkeeper::sessionCounts(const std::string& digest) {
    const Sessions::Session* const session = m_sessions.find(digest, now());
    return session != nullptr && !session->credential.empty() &&
           session->credential == credentialOf(m_engine, session->name);
}

std::optional<Caller> Doorkeeper::bySession(const HttpRequest& request) {
    const std::string id = cookieIn(request);
    const std::string digest = digestOf(id);
    if (id.empty() || !sessionCounts(digest)) {
        return std::nullopt;
    }
    Caller caller;
    caller.name = m_sessions.find(digest, now())->name;
    caller.session = digest;
    caller.mayManage = true;
    caller.stillCounts = [this, digest] { return sessionCounts(digest); };
    return caller;
}

bool Doorkeeper::tokenCounts(const std::string& id, const std::string& scope) const {
    const auto admins = m_engine.admins();
    return admins && std::any_of(admins->tokens().begin(), admins->tokens().end(),
                                 [&](const Admins::Token& token) {
                                     return token.id == id && token.scope == scope &&
                                            !isOver(token);
                                 });
}

std::optional<Caller> Doorkeeper::byToken(const std::string& authorization) const {
    const auto admins = m_engine.admins();
    if (!admins ||
        !gateway::lowered(authorization.substr(0, kBearer.size())).starts_with(kBearer)) {
        return std::nullopt;
    }
    const Admins::Token* const token = admins->find(authorization.substr(kBearer.size()));
    const auto scope = token != nullptr ? parseScope(token->scope) : std::nullopt;
    if (!scope || isOver(*token)) {
        return std::nullopt;
    }
    Caller caller;
    caller.name = token->name;
    caller.token = token->id;
    caller.scope = token->scope;
    caller.mayManage = scope == TokenScope::Manage;
    caller.stillCounts = [this, id = token->id, shown = token->scope] {
        return tokenCounts(id, shown);
    };
    return caller;
}

std::optional<Caller> Doorkeeper::identify(const HttpRequest& request) {
    const bool shown =
        std::any_of(request.fields.begin(), request.fields.end(),
                    [](const auto& field) { return field.first == "authorization"; });
    return shown ? byToken(valueOf(request, "authorization")) : bySession(request);
}

bool Doorkeeper::isKnown(const HttpRequest& request) { return identify(request).has_value(); }

bool Doorkeeper::hasSession(const HttpRequest& request) { return bySession(request).has_value(); }

/// Browsers say where a request comes from; what comes from elsewhere was not the admin's wish.
void Doorkeeper::requireSameSite(const HttpRequest& request) const {
    const std::string& origin = valueOf(request, "origin");
    const std::string& site = valueOf(request, "sec-fetch-site");
    const bool sameHost = origin.empty() || gateway::equalsIgnoringCase(
                                                origin, "https://" + valueOf(request, "host"));
    if (!sameHost || (!site.empty() && site != "same-origin" && site != "none")) {
        throw Refused{403, "csrf", "This request comes from another site; use the page itself."};
    }
}

void Doorkeeper::requireCsrf(const HttpRequest& request, const Caller& caller) {
    const std::string& csrf = m_sessions.find(caller.session, now())->csrf;
    const std::string& shown = valueOf(request, "x-csrf-token");
    if (shown.size() != csrf.size() ||
        !crypto::equalInConstantTime(gateway::octetsOf(shown), gateway::octetsOf(csrf))) {
        throw Refused{403, "csrf",
                      "The header X-CSRF-Token is missing or old; load the page again."};
    }
}

Caller Doorkeeper::admit(const HttpRequest& request, Access access) {
    if (changes(request)) {
        requireSameSite(request);
    }
    if (access == Access::Anyone) {
        return {};
    }
    if (!m_engine.admins()) {
        throw Refused{503, "trouble",
                      "The file of web accounts cannot be read; the log of the server says why."};
    }
    auto caller = identify(request);
    if (!caller) {
        throw Refused{401,
                      "not_logged_in",
                      "Log in first, or show an API token of the scope read or manage.",
                      {{"WWW-Authenticate", "Bearer"}}};  // RFC 9110 15.5.2, RFC 6750 3
    }
    if (!allows(*caller, access)) {
        throw Refused{403, "forbidden", takes(access)};
    }
    if (!caller->session.empty()) {
        if (changes(request)) {
            requireCsrf(request, *caller);
        }
        // The page's own looks at what is new do not keep a session alive that nobody uses.
        if (valueOf(request, "x-background").empty()) {
            m_sessions.touch(caller->session, now());
        }
    }
    return std::move(*caller);
}

HttpResponse Doorkeeper::welcome(const HttpRequest& request, const std::string& name) {
    if (const std::string before = cookieIn(request); !before.empty()) {
        m_sessions.close(digestOf(before));
    }
    const auto opened = m_sessions.open(name, credentialOf(m_engine, name), now());
    HttpResponse response = jsonResponse(200, describe(digestOf(opened.id)));
    response.fields.emplace_back("Set-Cookie", cookie(opened.id));
    return response;
}

nlohmann::json Doorkeeper::describe(const std::string& digest) {
    const Sessions::Session* const session = m_sessions.find(digest, now());
    if (session == nullptr) {
        throw Refused{401, "not_logged_in", "The session has ended; log in again."};
    }
    return {{"name", session->name},
            {"csrf", session->csrf},
            {"idle_seconds", m_sessions.limits().idle.count()},
            {"ends", gateway::formatTimestamp(session->endsAt)}};
}

HttpResponse Doorkeeper::goodbye(const Caller& caller) {
    m_sessions.close(caller.session);
    HttpResponse response;
    response.status = 204;
    response.fields.emplace_back("Set-Cookie", cookie("") + "; Max-Age=0");
    return response;
}

void Doorkeeper::renew(const Caller& caller, HttpResponse& response) {
    const auto opened =
        m_sessions.renew(caller.session, credentialOf(m_engine, caller.name), now());
    if (opened) {
        response.fields.emplace_back("Set-Cookie", cookie(*opened));
    }
}

}  // namespace webui
