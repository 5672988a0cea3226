// The page's API as a table of routes under /api/v1: finds the one that is asked for, lets nobody
// in whom it does not know, and reads the JSON that comes. Never carries out anything itself: that
// is the routes' work, a file for each family of them.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/thread_pool.hpp>

#include "crypto/password.h"
#include "gateway/net/http.h"

namespace webui {

/// Who may use a route. A session may all of them but those of twins; a token what its scope says,
/// and never Session. Replicate and Join are for tokens of these scopes only, which open nothing
/// else.
enum class Access { Anyone, Session, Read, Manage, Replicate, Join };

/// Who asks, once that is known. A value.
struct Caller {
    std::string name;        ///< of the account, or of who holds the token; empty for Anyone
    std::string token;       ///< its id where a token was shown, else empty
    std::string scope;       ///< the token's
    std::string session;     ///< the digest of the session, for Sessions; empty for a token
    std::string peer;        ///< the client's address
    bool mayManage = false;  ///< what a route for Read may show more of
    /// Whether what was shown still counts: asked again and again where an answer takes long.
    std::function<bool()> stillCounts = [] { return true; };
};

/// A request that was let in. Wipes the secrets of its body when it goes.
struct Call {
    Call() = default;
    Call(Call&&) = default;
    Call& operator=(Call&&) = default;
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call();

    gateway::net::HttpRequest request;         ///< its body was read into `body`, and wiped
    nlohmann::json body;                       ///< an object; empty where there was no body
    std::map<std::string, std::string> parts;  ///< of the pattern: {"address": "mbx-…"}
    std::map<std::string, std::string> query;  ///< percent signs undone; of a name twice the first
    Caller caller;

    /// A text of the body; empty where it is not there. Throws Refused where it is no text.
    std::string textOf(const char* name) const;
    /// Whether that field is true. Throws Refused where it is neither true nor false.
    bool flag(const char* name) const;
    /// That text, which the body loses; nothing where it is not there. Throws as textOf().
    std::optional<crypto::Password> takeSecret(const char* name);
    /// The same of a secret that must be there. Throws Refused where it is not.
    crypto::Password requireSecret(const char* name);
};

/// Thrown by a route, or before it: becomes the answer
/// {"error": {"code": "not_found", "message": "A sentence that says what to do."}}.
struct Refused {
    unsigned status;
    std::string code;     ///< for programs
    std::string message;  ///< for people
    gateway::HttpHeaders fields = {};
};

using Handler = std::function<asio::awaitable<gateway::net::HttpResponse>(Call)>;

struct Route {
    std::string method;
    std::string pattern;  ///< below /api/v1: "/mailboxes/{address}/suspend"
    Access access = Access::Session;
    std::size_t mostBody = 0;  ///< in octets, of a caller who is known; of others at most 4 KiB
    std::string operationId;   ///< in the OpenAPI document
    Handler handler;
    bool raw = false;  ///< the body is no JSON: it stays in the request as it came
};

/// What most routes take at most.
constexpr std::size_t kMostBody = std::size_t{64} * 1024;
/// What is read of somebody who has not shown yet who he is.
constexpr std::size_t kMostBodyOfStrangers = std::size_t{4} * 1024;

/// Belongs to the I/O thread.
class Api {
public:
    static constexpr std::string_view kRoot = "/api/v1";

    /// Says who asks, or throws Refused where he may not.
    using Admit = std::function<Caller(const gateway::net::HttpRequest&, Access)>;
    /// Whether he is known at all; for limits.
    using IsKnown = std::function<bool(const gateway::net::HttpRequest&)>;

    /// Large bodies are parsed on `workers`.
    Api(Admit admit, IsKnown isKnown, asio::thread_pool& workers)
        : m_admit(std::move(admit)), m_isKnown(std::move(isKnown)), m_workers(workers) {}

    void add(Route route);
    const std::vector<Route>& routes() const { return m_routes; }

    /// How large the body of a request may be of which only the header was read.
    std::size_t mostBody(const gateway::net::HttpRequest& request) const;
    /// For paths that begin with /api.
    asio::awaitable<gateway::net::HttpResponse> answer(gateway::net::HttpRequest request) const;

private:
    asio::awaitable<gateway::net::HttpResponse> carryOut(gateway::net::HttpRequest request) const;
    bool mayBring(const gateway::net::HttpRequest& request, const Route& route) const;
    const Route& find(const gateway::net::HttpRequest& request,
                      std::map<std::string, std::string>& parts) const;

    std::vector<Route> m_routes;
    const Admit m_admit;
    const IsKnown m_isKnown;
    asio::thread_pool& m_workers;
};

gateway::net::HttpResponse jsonResponse(unsigned status, const nlohmann::json& body);
/// The same of an object that holds a password or token, which then is in the response only.
gateway::net::HttpResponse secretResponse(unsigned status, nlohmann::json object);
gateway::net::HttpResponse errorResponse(const Refused& refused);

/// The line of the log that says who changed what, once it is done: notice "admin: mailbox
/// edited". `on` names what was changed; never a secret.
void audit(const Caller& caller, std::string_view event, const std::string& on);

}  // namespace webui
