// The document that describes the API, for people and for programs that make clients of it.
// Never made at run time: it is a file of its own, webui/assets/openapi.json, and a test compares
// it with the routes.
#include <string>

#include "webui/assets.h"
#include "webui/routes.h"

namespace webui {

namespace {

using gateway::net::HttpResponse;

asio::awaitable<HttpResponse> tellOpenApi(Call /*call*/) {
    HttpResponse response;
    response.fields.emplace_back("Content-Type", "application/json");
    if (const Asset* const asset = findAsset("openapi.json")) {
        response.body.assign(asset->plain.begin(), asset->plain.end());
    }
    co_return response;
}

}  // namespace

void addOpenApiRoute(Api& api) {
    api.add({"GET", "/openapi.json", Access::Anyone, 0, "getOpenApi", tellOpenApi});
}

}  // namespace webui
