// Web accounts and API tokens: who else may use the page, by a session only, so that a token that
// was stolen makes no further one. Never answers with a hash, and with a token only once.
#include <algorithm>
#include <memory>

#include "gateway/base/clock.h"
#include "gateway/base/text.h"
#include "webui/routes.h"

namespace webui {

namespace {

using gateway::net::HttpResponse;
using nlohmann::json;

class AccountRoutes {
public:
    AccountRoutes(const Engine& engine, Doorkeeper& doorkeeper)
        : m_engine(engine), m_doorkeeper(doorkeeper) {}

    asio::awaitable<HttpResponse> listAccounts(Call /*call*/) {
        json accounts = json::array();
        for (const Admins::Account& account : m_engine.admins()->accounts()) {
            accounts.push_back(
                {{"name", account.name}, {"created", gateway::formatTimestamp(account.created)}});
        }
        co_return jsonResponse(200, {{"accounts", std::move(accounts)}});
    }

    asio::awaitable<HttpResponse> createAccount(Call call) {
        json request{{"operation", "admin.create"},
                     {"name", call.textOf("name")},
                     {"password", std::move(call.body["password"])}};
        co_return jsonResponse(201, co_await ask(call, std::move(request)));
    }

    asio::awaitable<HttpResponse> setPassword(Call call) {
        const std::string name = knownIn(call);
        json request{{"operation", "admin.password"},
                     {"name", name},
                     {"password", std::move(call.body["password"])}};
        HttpResponse response = jsonResponse(200, co_await ask(call, std::move(request)));
        if (name == call.caller.name) {
            m_doorkeeper.renew(call.caller, response);
        }
        co_return response;
    }

    asio::awaitable<HttpResponse> removeAccount(Call call) {
        json request{{"operation", "admin.remove"}, {"name", knownIn(call)}, {"keep_last", true}};
        co_return jsonResponse(200, co_await ask(call, std::move(request)));
    }

    asio::awaitable<HttpResponse> listTokens(Call /*call*/) {
        json tokens = json::array();
        for (const Admins::Token& token : m_engine.admins()->tokens()) {
            tokens.push_back({{"id", token.id},
                              {"name", token.name},
                              {"scope", token.scope},
                              {"created", gateway::formatTimestamp(token.created)}});
        }
        co_return jsonResponse(200, {{"tokens", std::move(tokens)}});
    }

    asio::awaitable<HttpResponse> createToken(Call call) {
        const std::string name = call.textOf("name");
        json request{{"operation", "admin.token"},
                     {"name", name.empty() ? call.caller.name : name},
                     {"scope", call.textOf("scope")}};
        json made = co_await ask(call, std::move(request));
        made.erase("account");
        co_return secretResponse(201, std::move(made));
    }

    asio::awaitable<HttpResponse> removeToken(Call call) {
        const auto admins = m_engine.admins();
        const std::string& id = call.parts.at("id");
        const auto& tokens = admins->tokens();
        const auto token = std::find_if(tokens.begin(), tokens.end(),
                                        [&](const auto& known) { return known.id == id; });
        if (token == tokens.end()) {
            throw Refused{404, "not_found", "There is no token of that id."};
        }
        json request{{"operation", "admin.remove"}, {"name", token->name}, {"token", id}};
        co_await ask(call, std::move(request));
        HttpResponse response;
        response.status = 204;
        co_return response;
    }

private:
    /// Who asked is logged by what carries it out.
    asio::awaitable<json> ask(const Call& call, json request) {
        request["by"] = call.caller.name + " from " + call.caller.peer;
        co_return requireDone(co_await m_engine.carryOut(std::move(request)));
    }

    std::string knownIn(const Call& call) const {
        const std::string name = gateway::lowered(call.parts.at("name"));
        if (!m_engine.admins()->hasAccount(name)) {
            throw Refused{404, "not_found", "There is no account of that name."};
        }
        return name;
    }

    const Engine& m_engine;
    Doorkeeper& m_doorkeeper;
};

}  // namespace

void addAccountRoutes(Api& api, const Engine& engine, Doorkeeper& doorkeeper) {
    const auto routes = std::make_shared<AccountRoutes>(engine, doorkeeper);
    const auto by = [routes](auto member) {
        return [routes, member](Call call) { return ((*routes).*member)(std::move(call)); };
    };
    using Routes = AccountRoutes;
    api.add({"GET", "/accounts", Access::Session, 0, "listAccounts", by(&Routes::listAccounts)});
    api.add({"POST", "/accounts", Access::Session, kMostBody, "createAccount",
             by(&Routes::createAccount)});
    api.add({"POST", "/accounts/{name}/password", Access::Session, kMostBody, "setAccountPassword",
             by(&Routes::setPassword)});
    api.add({"DELETE", "/accounts/{name}", Access::Session, 0, "removeAccount",
             by(&Routes::removeAccount)});
    api.add({"GET", "/tokens", Access::Session, 0, "listTokens", by(&Routes::listTokens)});
    api.add(
        {"POST", "/tokens", Access::Session, kMostBody, "createToken", by(&Routes::createToken)});
    api.add(
        {"DELETE", "/tokens/{id}", Access::Session, 0, "removeToken", by(&Routes::removeToken)});
}

}  // namespace webui
