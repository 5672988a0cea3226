#include "webui/request_body.h"

#include "crypto/secret_fields.h"
#include "gateway/base/json_text.h"
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
    const crypto::Secrets secrets = crypto::cutSecrets(request.body);
    json body = gateway::parseJson(request.body, kDeepest);
    if (!body.is_object()) {
        throw Refused{400, "bad_request", "The body must be one JSON object, and not nested deep."};
    }
    crypto::putBack(secrets, body);
    return body;
}

}  // namespace webui
