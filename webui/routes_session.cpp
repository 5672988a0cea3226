// Log-in, log-out and the first account. Never answers with a password, and tells nobody which
// accounts there are.
#include <memory>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "webui/routes.h"

namespace webui {

namespace {

using gateway::net::HttpResponse;
using nlohmann::json;

/// An empty one is a wrong one, not a missing one.
crypto::Password passwordIn(Call& call) {
    auto password = call.takeSecret("password");
    if (!password) {
        throw Refused{400, "bad_request", "Send a name and a password."};
    }
    return std::move(*password);
}

class SessionRoutes {
public:
    SessionRoutes(const Engine& engine, Doorkeeper& doorkeeper, LogIn& logIn)
        : m_engine(engine), m_doorkeeper(doorkeeper), m_logIn(logIn) {}

    /// Also whether somebody is logged in: the page asks this first, and a 401 would make browsers
    /// complain.
    asio::awaitable<HttpResponse> tellSetup(Call call) {
        co_return jsonResponse(200, {{"needed", m_engine.setupLink->isOpen()},
                                     {"session", m_doorkeeper.hasSession(call.request)}});
    }

    asio::awaitable<HttpResponse> setUp(Call call) {
        const std::string name = gateway::lowered(call.textOf("name"));
        const bool fits = m_engine.setupLink->fits(call.textOf("token"));
        if (!fits) {
            co_await m_logIn.slowDown(call.caller.peer);
            throw Refused{403, "forbidden",
                          "This set-up link is not valid, or was used already; the file "
                          "setup-link in the server's data directory holds the present one, as "
                          "long as there is no account."};
        }
        crypto::Password password = passwordIn(call);
        json request{{"operation", "admin.create"},
                     {"name", name},
                     {"password", password.view()},
                     {"only_first", true},
                     {"by", "the set-up link, from " + call.caller.peer}};
        requireDone(co_await m_engine.carryOut(std::move(request)));
        co_return m_doorkeeper.welcome(call.request, name);
    }

    asio::awaitable<HttpResponse> logIn(Call call) {
        const std::string name = gateway::lowered(call.textOf("name"));
        co_await m_logIn.tryPassword(name, passwordIn(call), call.caller.peer);
        gateway::log::notice("admin: logged in", {{"who", name}, {"peer", call.caller.peer}});
        co_return m_doorkeeper.welcome(call.request, name);
    }

    asio::awaitable<HttpResponse> tellSession(Call call) {
        co_return jsonResponse(200, m_doorkeeper.describe(call.caller.session));
    }

    asio::awaitable<HttpResponse> logOut(Call call) { co_return m_doorkeeper.goodbye(call.caller); }

private:
    const Engine& m_engine;
    Doorkeeper& m_doorkeeper;
    LogIn& m_logIn;
};

}  // namespace

void addSessionRoutes(Api& api, const Engine& engine, Doorkeeper& doorkeeper, LogIn& logIn) {
    const auto routes = std::make_shared<SessionRoutes>(engine, doorkeeper, logIn);
    const auto by = [routes](auto member) {
        return [routes, member](Call call) { return ((*routes).*member)(std::move(call)); };
    };
    using Routes = SessionRoutes;
    api.add({"GET", "/setup", Access::Anyone, 0, "getSetup", by(&Routes::tellSetup)});
    api.add({"POST", "/setup", Access::Anyone, kMostBodyOfStrangers, "setUp", by(&Routes::setUp)});
    api.add(
        {"POST", "/session", Access::Anyone, kMostBodyOfStrangers, "logIn", by(&Routes::logIn)});
    api.add({"GET", "/session", Access::Session, 0, "getSession", by(&Routes::tellSession)});
    api.add({"DELETE", "/session", Access::Session, 0, "logOut", by(&Routes::logOut)});
}

}  // namespace webui
