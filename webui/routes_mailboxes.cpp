// Mailboxes: the table, each of them, and what admins change about them. Every change is carried
// out as a command's is. Never keeps a password: one that was made is in one answer, once.
#include <algorithm>
#include <array>
#include <memory>

#include "gateway/base/text.h"
#include "gateway/net/offload.h"
#include "webui/mailbox_list.h"
#include "webui/routes.h"

namespace webui {

namespace {

using gateway::net::HttpResponse;
using nlohmann::json;

/// Throws Refused where the body holds anything else: what is misspelt shall not pass for done.
template <std::size_t N>
void allowOnly(const json& body, const std::array<std::string_view, N>& names) {
    for (const auto& [name, value] : body.items()) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            throw Refused{400, "bad_request",
                          "The field " + gateway::printable(name, 40) + " is not known here."};
        }
    }
}

/// The version that an If-Match names (RFC 9110 13.1.1); null for "*".
json versionIn(const gateway::net::HttpRequest& request) {
    const std::string* const field = request.field("if-match");
    if (field == nullptr) {
        throw Refused{428, "if_match_needed",
                      "Say by If-Match which version you change: the ETag of what you saw."};
    }
    if (*field == "*") {
        return nullptr;
    }
    const bool quoted = field->size() >= 2 && field->front() == '"' && field->back() == '"';
    // A tag of another form is none of ours, so it fits no version.
    return quoted ? field->substr(1, field->size() - 2) : "none";
}

HttpResponse mailboxResponse(const json& answer) {
    const json& mailbox = answer.at("mailbox");
    HttpResponse response = jsonResponse(200, mailbox);
    response.fields.emplace_back("ETag", '"' + mailbox.at("version").get<std::string>() + '"');
    return response;
}

class MailboxRoutes {
public:
    explicit MailboxRoutes(const Engine& engine) : m_engine(engine) {}

    asio::awaitable<HttpResponse> list(Call call) {
        const MailboxQuery query = MailboxQuery::parse(call.query);
        const auto all = co_await m_engine.mailboxes();
        auto make = [&query, &all] { return jsonResponse(200, pageOf(*all, query)); };
        co_return co_await gateway::net::offload(m_engine.disk, make);
    }

    asio::awaitable<HttpResponse> create(Call call) {
        allowOnly<4>(call.body, {"name", "description", "address", "password"});
        json request = std::move(call.body);
        request["operation"] = "mailbox.create";
        request["suspended"] = true;
        json made = requireDone(co_await m_engine.carryOut(std::move(request)));
        const std::string address = made.at("address").get<std::string>();
        audit(call.caller, "mailbox made", address);
        HttpResponse response = secretResponse(201, std::move(made));
        response.fields.emplace_back("Location", std::string(Api::kRoot) + "/mailboxes/" + address);
        co_return response;
    }

    asio::awaitable<HttpResponse> show(Call call) {
        co_return mailboxResponse(co_await ask(call, "mailbox.show", json::object()));
    }

    asio::awaitable<HttpResponse> edit(Call call) {
        const json version = versionIn(call.request);
        allowOnly<5>(call.body, {"name", "description", "allow", "alerts", "acknowledge"});
        const json& body = call.body;
        if ((body.contains("allow") && !body.at("allow").is_object()) ||
            (body.contains("alerts") && !body.at("alerts").is_object()) ||
            (body.contains("acknowledge") && !body.at("acknowledge").is_boolean())) {
            throw Refused{400, "bad_request",
                          "allow and alerts are objects, acknowledge true or false."};
        }
        json request = body;
        request["version"] = version;
        const json answer = co_await ask(call, "mailbox.edit", std::move(request));
        audit(call.caller, "mailbox edited", addressIn(answer));
        co_return mailboxResponse(answer);
    }

    asio::awaitable<HttpResponse> suspend(Call call) {
        return change(std::move(call), "mailbox.suspend", "mailbox suspended");
    }
    asio::awaitable<HttpResponse> activate(Call call) {
        return change(std::move(call), "mailbox.activate", "mailbox activated");
    }
    asio::awaitable<HttpResponse> remove(Call call) {
        return change(std::move(call), "mailbox.delete", "mailbox deleted");
    }

    asio::awaitable<HttpResponse> password(Call call) {
        static constexpr auto kActions = std::to_array<std::array<std::string_view, 3>>({
            {"change", "mailbox.change_password", "mailbox password changed"},
            {"reset", "mailbox.reset_password", "mailbox password reset"},
            {"unlock_earlier", "mailbox.unlock_earlier", "earlier mailbox password unlocked"},
            {"recover", "mailbox.recover", "mailbox recovered"},
        });
        allowOnly<4>(call.body, {"action", "password", "earlier_password", "identity"});
        const std::string wanted = call.textOf("action");
        const auto* const action =
            std::find_if(kActions.begin(), kActions.end(),
                         [&](const auto& known) { return known[0] == wanted; });
        if (action == kActions.end()) {
            throw Refused{400, "bad_request",
                          "action is change, reset, unlock_earlier or recover."};
        }
        json request = std::move(call.body);
        request.erase("action");
        json answer = co_await ask(call, (*action)[1], std::move(request));
        audit(call.caller, (*action)[2], answer.at("address").get<std::string>());
        co_return secretResponse(200, std::move(answer));
    }

private:
    static std::string addressIn(const json& answer) {
        return answer.at("mailbox").at("address").get<std::string>();
    }

    asio::awaitable<json> ask(const Call& call, std::string_view operation, json request) {
        request["operation"] = operation;
        request["address"] = call.parts.at("address");
        co_return requireDone(co_await m_engine.carryOut(std::move(request)));
    }

    asio::awaitable<HttpResponse> change(Call call, std::string_view operation,
                                         std::string_view event) {
        allowOnly<1>(call.body, {"discard_messages"});
        const json& discard = call.body.value("discard_messages", json(false));
        if (!discard.is_boolean()) {
            throw Refused{400, "bad_request", "discard_messages is true or false."};
        }
        const json answer = co_await ask(call, operation, call.body);
        audit(call.caller, event, addressIn(answer));
        co_return mailboxResponse(answer);
    }

    const Engine& m_engine;
};

}  // namespace

void addMailboxRoutes(Api& api, const Engine& engine) {
    const auto routes = std::make_shared<MailboxRoutes>(engine);
    const auto by = [routes](auto member) {
        return [routes, member](Call call) { return ((*routes).*member)(std::move(call)); };
    };
    using Routes = MailboxRoutes;
    const std::string one = "/mailboxes/{address}";
    api.add({"GET", "/mailboxes", Access::Read, 0, "listMailboxes", by(&Routes::list)});
    api.add(
        {"POST", "/mailboxes", Access::Manage, kMostBody, "createMailbox", by(&Routes::create)});
    api.add({"GET", one, Access::Read, 0, "getMailbox", by(&Routes::show)});
    api.add({"PATCH", one, Access::Manage, kMostBody, "editMailbox", by(&Routes::edit)});
    api.add({"POST", one + "/suspend", Access::Manage, kMostBody, "suspendMailbox",
             by(&Routes::suspend)});
    api.add({"POST", one + "/activate", Access::Manage, kMostBody, "activateMailbox",
             by(&Routes::activate)});
    api.add(
        {"POST", one + "/delete", Access::Manage, kMostBody, "deleteMailbox", by(&Routes::remove)});
    api.add({"POST", one + "/password", Access::Manage, kMostBody, "setMailboxPassword",
             by(&Routes::password)});
}

}  // namespace webui
