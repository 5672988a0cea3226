#include "webui/request_body.h"

#include "crypto/secret_fields.h"
#include "gateway/base/text.h"
#include "webui/api.h"

namespace webui {

namespace {

using nlohmann::json;

constexpr int kDeepest = 16;

bool isJson(const gateway::net::HttpRequest& request) {
    const std::string* const type = request.field("content-type");
    if (type == nullptr) {
        return false;
    }
    const std::string_view name = std::string_view(*type).substr(0, type->find(';'));
    return gateway::equalsIgnoringCase(gateway::trimmed(name), "application/json");
}

}  // namespace

json readBody(gateway::net::HttpRequest& request) {
    if (request.body.empty()) {
        return json::object();
    }
    if (!isJson(request)) {
        throw Refused{415, "unsupported_media_type",
                      "Send JSON, as Content-Type: application/json."};
    }
    const auto notTooDeep = [](int depth, json::parse_event_t, json&) {
        if (depth > kDeepest) {
            throw Refused{400, "bad_request", "The JSON is nested too deep."};
        }
        return true;
    };
    const crypto::Secrets secrets = crypto::cutSecrets(request.body);
    json body = json::parse(request.body, notTooDeep, false);
    if (!body.is_object()) {
        throw Refused{400, "bad_request", "The body must be one JSON object."};
    }
    crypto::putBack(secrets, body);
    return body;
}

}  // namespace webui
