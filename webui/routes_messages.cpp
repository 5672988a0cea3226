// What lies in a mailbox: seen and fetched with its password, brought back without one. Never shows
// a message to whoever has only a log-in; never has a password in an address or in a log.
#include <memory>

#include "gateway/base/text.h"
#include "webui/routes.h"

namespace webui {

namespace {

using gateway::net::HttpResponse;
using nlohmann::json;

constexpr std::size_t kMostListed = 200;
constexpr std::size_t kUsuallyListed = 50;
constexpr std::size_t kMostRestored = 1000;

/// A whole number of the body, at most `most`; `usual` where it is not there.
std::size_t numberIn(const json& body, const char* name, std::size_t usual, std::size_t most) {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null()) {
        return usual;
    }
    if (!found->is_number_unsigned() || *found == 0 || *found > most) {
        throw Refused{400, "bad_request",
                      std::string(name) + " is a number from 1 to " + std::to_string(most) + '.'};
    }
    return found->get<std::size_t>();
}

MailboxPassword passwordIn(Call& call) {
    return {call.parts.at("address"), call.requireSecret("password"), call.caller.peer};
}

class MessageRoutes {
public:
    explicit MessageRoutes(const Engine& engine) : m_engine(engine) {}

    asio::awaitable<HttpResponse> list(Call call) {
        const std::size_t limit = numberIn(call.body, "limit", kUsuallyListed, kMostListed);
        const std::string address = call.parts.at("address");
        MailboxPassword who = passwordIn(call);
        json answer = requireDone(
            co_await m_engine.listMessages(std::move(who), call.textOf("after"), limit));
        audit(call.caller, "looked inside a mailbox", address);
        co_return jsonResponse(200, answer);
    }

    asio::awaitable<HttpResponse> download(Call call) {
        const std::string uidl = call.parts.at("uidl");
        const std::string address = call.parts.at("address");
        MailboxPassword who = passwordIn(call);
        OpenedMessage message = co_await m_engine.openMessage(std::move(who), uidl);
        requireDone(std::move(message.answer));
        audit(call.caller, "message downloaded", address + ' ' + uidl);
        HttpResponse response;
        response.fields = {
            {"Content-Type", "message/rfc822"},
            // An id that there is has no octet that would need quoting.
            {"Content-Disposition", "attachment; filename=\"" + uidl + ".eml\""},
        };
        response.stream = std::move(message.stream);
        co_return response;
    }

    asio::awaitable<HttpResponse> listDeleted(Call call) {
        co_return jsonResponse(
            200, requireDone(co_await m_engine.listDeleted(call.parts.at("address"))));
    }

    asio::awaitable<HttpResponse> restore(Call call) {
        const auto uidls = call.body.find("uidls");
        if (uidls == call.body.end() || !uidls->is_array() || uidls->empty() ||
            uidls->size() > kMostRestored) {
            throw Refused{
                400, "bad_request",
                "uidls is a list of 1 to " + std::to_string(kMostRestored) + " names of messages."};
        }
        const std::string address = call.parts.at("address");
        const std::size_t count = uidls->size();
        json request{{"operation", "message.restore"}, {"address", address}};
        request["uidls"] = std::move(*uidls);
        json answer = requireDone(co_await m_engine.carryOut(std::move(request)));
        audit(call.caller, "messages restored: " + std::to_string(count), address);
        co_return jsonResponse(200, answer);
    }

private:
    const Engine& m_engine;
};

}  // namespace

void addMessageRoutes(Api& api, const Engine& engine) {
    const auto routes = std::make_shared<MessageRoutes>(engine);
    const std::string mailbox = "/mailboxes/{address}";
    api.add({"POST", mailbox + "/messages", Access::Manage, kMostBody, "listMessages",
             [routes](Call call) { return routes->list(std::move(call)); }});
    api.add({"POST", mailbox + "/messages/{uidl}", Access::Manage, kMostBody, "downloadMessage",
             [routes](Call call) { return routes->download(std::move(call)); }});
    api.add({"POST", mailbox + "/deleted", Access::Manage, kMostBody, "listDeletedMessages",
             [routes](Call call) { return routes->listDeleted(std::move(call)); }});
    api.add({"POST", mailbox + "/restore", Access::Manage, kMostBody, "restoreMessages",
             [routes](Call call) { return routes->restore(std::move(call)); }});
}

}  // namespace webui
