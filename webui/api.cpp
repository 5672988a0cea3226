#include "webui/api.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "crypto/secret.h"
#include "crypto/secret_fields.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/net/offload.h"
#include "webui/engine.h"
#include "webui/request_body.h"
#include "webui/target.h"

namespace webui {

namespace {

using gateway::net::HttpRequest;
using gateway::net::HttpResponse;
using nlohmann::json;

/// HEAD asks for what GET would give (RFC 9110 9.3.2).
std::string_view methodOf(const HttpRequest& request) {
    return request.method == "HEAD" ? std::string_view("GET") : request.method;
}

}  // namespace

std::string Call::textOf(const char* name) const {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null()) {
        return {};
    }
    if (!found->is_string()) {
        throw Refused{400, "bad_request", std::string(name) + " is not a text"};
    }
    return found->get<std::string>();
}

bool Call::flag(const char* name) const {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null()) {
        return false;
    }
    if (!found->is_boolean()) {
        throw Refused{400, "bad_request", std::string(name) + " is true or false."};
    }
    return found->get<bool>();
}

std::optional<crypto::Password> Call::takeSecret(const char* name) {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null()) {
        return std::nullopt;
    }
    if (!found->is_string()) {
        throw Refused{400, "bad_request", std::string(name) + " is not a text"};
    }
    auto& text = found->get_ref<std::string&>();
    crypto::Password secret(text);
    crypto::wipe(std::span<char>(text));
    body.erase(found);
    return secret;
}

crypto::Password Call::requireSecret(const char* name) {
    auto secret = takeSecret(name);
    if (!secret || secret->view().empty()) {
        throw Refused{400, "bad_request", "The " + std::string(name) + " is missing."};
    }
    return std::move(*secret);
}

Call::~Call() { crypto::wipeSecrets(body); }

void Api::add(Route route) { m_routes.push_back(std::move(route)); }

const Route& Api::find(const HttpRequest& request,
                       std::map<std::string, std::string>& parts) const {
    const std::string_view path = std::string_view(request.path).substr(kRoot.size());
    std::string allowed;
    for (const Route& route : m_routes) {
        auto found = match(route.pattern, path);
        if (!found) {
            continue;
        }
        if (route.method == methodOf(request)) {
            parts = std::move(*found);
            return route;
        }
        allowed += (allowed.empty() ? "" : ", ") + route.method;
        allowed += route.method == "GET" ? ", HEAD" : "";
    }
    if (allowed.empty()) {
        throw Refused{404, "not_found",
                      "There is no such address; /api/v1/openapi.json lists all."};
    }
    throw Refused{405,
                  "method_not_allowed",
                  "That cannot be done here; possible: " + allowed + '.',
                  {{"Allow", allowed}}};  // RFC 9110 15.5.6
}

/// Whether he may use the route is asked again once its body was read; what is larger than usual is
/// not even read of whom it would be refused.
bool Api::mayBring(const HttpRequest& request, const Route& route) const {
    if (route.mostBody <= kMostBody) {
        return true;
    }
    try {
        m_admit(request, route.access);
        return true;
    } catch (const Refused&) {
        return false;
    }
}

std::size_t Api::mostBody(const HttpRequest& request) const {
    try {
        std::map<std::string, std::string> parts;
        if (!isUnder(request.path, kRoot)) {
            return 0;
        }
        const Route& route = find(request, parts);
        const std::size_t most =
            mayBring(request, route) ? route.mostBody : std::min(route.mostBody, kMostBody);
        return most <= kMostBodyOfStrangers || m_isKnown(request) ? most : kMostBodyOfStrangers;
    } catch (const Refused&) {
        return kMostBodyOfStrangers;  // read, so that its sender sees the answer
    }
}

asio::awaitable<HttpResponse> Api::answer(HttpRequest request) const {
    const std::string path = request.path;
    std::optional<Refused> refused;
    std::string failure;
    try {
        co_return co_await carryOut(std::move(request));
    } catch (const Refused& why) {
        refused = why;
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (!refused) {
        gateway::log::error("a request of the page failed", {{"path", path}, {"cause", failure}});
        refused = Refused{500, "internal", "That failed here; the log of the server says why."};
    }
    co_return errorResponse(*refused);
}

asio::awaitable<HttpResponse> Api::carryOut(HttpRequest request) const {
    if (!isUnder(request.path, kRoot)) {
        throw Refused{404, "not_found", "The API is under /api/v1."};
    }
    Call call;
    const Route& route = find(request, call.parts);
    call.caller = m_admit(request, route.access);
    call.caller.peer = request.peer;
    call.query = parseQuery(request.query);
    if (route.raw) {
        call.request = std::move(request);
        co_return co_await route.handler(std::move(call));
    }
    if (request.body.size() > kMostBody) {
        auto read = [&request] { return readBody(request); };
        call.body = co_await gateway::net::offload(m_workers, read);
    } else {
        call.body = readBody(request);
    }
    crypto::wipe(std::span<char>(request.body));
    request.body = std::string();
    call.request = std::move(request);
    co_return co_await route.handler(std::move(call));
}

HttpResponse jsonResponse(unsigned status, const json& body) {
    HttpResponse response;
    response.status = status;
    response.fields.emplace_back("Content-Type", "application/json");
    // What is no UTF-8 (a name out of a record of long ago) shall not fail the rest.
    response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
    return response;
}

HttpResponse secretResponse(unsigned status, json object) {
    HttpResponse response = jsonResponse(status, nullptr);
    response.body = crypto::writeWithSecrets(object);
    return response;
}

HttpResponse errorResponse(const Refused& refused) {
    const json body{{"error", {{"code", refused.code}, {"message", refused.message}}}};
    HttpResponse response = jsonResponse(refused.status, body);
    response.fields.insert(response.fields.end(), refused.fields.begin(), refused.fields.end());
    return response;
}

void audit(const Caller& caller, std::string_view event, const std::string& on) {
    const std::string who =
        caller.token.empty() ? caller.name : caller.name + " by the token " + caller.token;
    gateway::log::notice("admin: " + std::string(event),
                         {{"on", on}, {"who", who}, {"peer", caller.peer}});
}

json requireDone(json answer) {
    if (answer.value("ok", false)) {
        answer.erase("ok");
        return answer;
    }
    const std::string text = answer.value("error", "that failed");
    const std::string code = answer.value("code", "trouble");
    static constexpr auto kStatus =
        std::to_array<std::pair<std::string_view, unsigned>>({{"refused", 422},
                                                              {"not_found", 404},
                                                              {"conflict", 409},
                                                              {"wrong_password", 403},
                                                              {"changed_meanwhile", 412},
                                                              {"bad_request", 400},
                                                              {"too_many", 429},
                                                              {"not_yet", 501}});
    const auto* const known = std::find_if(kStatus.begin(), kStatus.end(),
                                           [&](const auto& entry) { return entry.first == code; });
    throw Refused{known == kStatus.end() ? 503 : known->second, code, text};
}

}  // namespace webui
