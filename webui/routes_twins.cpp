// The twins of this node, for the page: how the exchange with each fares, and pairing, by a session
// only, for who pairs a node lets its statements count. Never shows a token but in an invitation.
#include <memory>

#include "webui/routes.h"

namespace webui {

namespace {

using gateway::net::HttpResponse;
using nlohmann::json;

class TwinRoutes {
public:
    explicit TwinRoutes(const Engine& engine) : m_engine(engine) {}

    asio::awaitable<HttpResponse> list(Call call) {
        json request{{"operation", "twin.list"}};
        co_return jsonResponse(200, co_await ask(call, std::move(request)));
    }

    asio::awaitable<HttpResponse> invite(Call call) {
        json request{{"operation", "twin.invite"}};
        json made = co_await ask(call, std::move(request));
        co_return secretResponse(201, std::move(made));
    }

    asio::awaitable<HttpResponse> join(Call call) {
        json request{{"operation", "twin.join"}, {"invitation", call.textOf("invitation")}};
        co_return jsonResponse(201, co_await ask(call, std::move(request)));
    }

    asio::awaitable<HttpResponse> remove(Call call) {
        json request{{"operation", "twin.remove"}, {"twin", call.parts.at("node")}};
        co_return jsonResponse(200, co_await ask(call, std::move(request)));
    }

private:
    asio::awaitable<json> ask(const Call& call, json request) {
        request["by"] = call.caller.name + " from " + call.caller.peer;
        co_return requireDone(co_await m_engine.carryOut(std::move(request)));
    }

    const Engine& m_engine;
};

}  // namespace

void addTwinRoutes(Api& api, const Engine& engine) {
    const auto routes = std::make_shared<TwinRoutes>(engine);
    const auto by = [routes](auto member) {
        return [routes, member](Call call) { return ((*routes).*member)(std::move(call)); };
    };
    using Routes = TwinRoutes;
    api.add({"GET", "/twins", Access::Read, 0, "listTwins", by(&Routes::list)});
    api.add(
        {"POST", "/twins/invite", Access::Session, kMostBody, "inviteTwin", by(&Routes::invite)});
    api.add({"POST", "/twins/join", Access::Session, kMostBody, "joinTwinOf", by(&Routes::join)});
    api.add({"DELETE", "/twins/{node}", Access::Session, 0, "removeTwin", by(&Routes::remove)});
}

}  // namespace webui
