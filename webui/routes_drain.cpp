// The drain: whether there is one, and its beginning and end. Carried out as a command's are.
// Never begins one that leaves senders without a node unless that was wanted in so many words.
#include <memory>

#include "gateway/base/text.h"
#include "webui/routes.h"

namespace webui {

namespace {

using gateway::net::HttpResponse;
using nlohmann::json;

class DrainRoutes {
public:
    explicit DrainRoutes(const Engine& engine) : m_engine(engine) {}

    asio::awaitable<HttpResponse> show(Call /*call*/) {
        json request{{"operation", "drain.show"}};
        co_return jsonResponse(200, requireDone(co_await m_engine.carryOut(std::move(request))));
    }

    asio::awaitable<HttpResponse> begin(Call call) {
        for (const auto& [name, value] : call.body.items()) {
            if (name != "for" && name != "without_twin") {
                throw Refused{400, "bad_request",
                              "The field " + gateway::printable(name, 40) + " is not known here."};
            }
        }
        json request{{"operation", "drain.on"}, {"without_twin", call.flag("without_twin")}};
        if (const std::string length = call.textOf("for"); !length.empty()) {
            request["for"] = length;
        }
        const json answer = requireDone(co_await m_engine.carryOut(std::move(request)));
        const json& until = answer.at("drain").at("until");
        audit(call.caller, "drain begun",
              until.is_string() ? "until " + until.get<std::string>() : "for ever");
        co_return co_await show(std::move(call));
    }

    asio::awaitable<HttpResponse> end(Call call) {
        json request{{"operation", "drain.off"}};
        const json answer = requireDone(co_await m_engine.carryOut(std::move(request)));
        if (answer.at("was").get<bool>()) {
            audit(call.caller, "drain ended", "this node");
        }
        co_return co_await show(std::move(call));
    }

private:
    const Engine& m_engine;
};

}  // namespace

void addDrainRoutes(Api& api, const Engine& engine) {
    const auto routes = std::make_shared<DrainRoutes>(engine);
    const auto by = [routes](auto member) {
        return [routes, member](Call call) { return ((*routes).*member)(std::move(call)); };
    };
    api.add({"GET", "/drain", Access::Read, 0, "getDrain", by(&DrainRoutes::show)});
    api.add({"PUT", "/drain", Access::Manage, kMostBody, "beginDrain", by(&DrainRoutes::begin)});
    api.add({"DELETE", "/drain", Access::Manage, 0, "endDrain", by(&DrainRoutes::end)});
}

}  // namespace webui
