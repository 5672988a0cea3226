// The OpenAPI document says what the router does: the same routes, for the same callers.
#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include <asio/io_context.hpp>
#include <doctest/doctest.h>

#include "tests/base/temporary_folder.h"
#include "webui/assets.h"
#include "webui/site.h"

namespace {

using nlohmann::json;

/// A page with nothing behind it: its table is all that is looked at.
struct House {
    shim::TemporaryFolder folder;
    asio::io_context io{1};
    asio::thread_pool workers{1};
    webui::Site site{engine()};

    webui::Engine engine() {
        webui::Engine made(io.get_executor(), workers, workers);
        made.setupLink = std::make_shared<webui::SetupLink>(gateway::Layout(folder.path()), "");
        return made;
    }
};

json document() {
    const webui::Asset* const asset = webui::findAsset("openapi.json");
    REQUIRE(asset != nullptr);
    return json::parse(asset->plain.begin(), asset->plain.end());
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

/// Who may use an operation, as the document says it.
std::string callersIn(const json& operation) {
    std::string callers;
    for (const json& way : operation.at("security")) {
        callers += way.begin().key() + (way.begin()->empty() ? "" : way.begin()->dump()) + ' ';
    }
    return callers;
}

std::string callersOf(webui::Access access) {
    switch (access) {
        case webui::Access::Anyone:
            return "";
        case webui::Access::Session:
            return "session ";
        case webui::Access::Read:
            return "session token[\"read\"] ";
        case webui::Access::Manage:
            return "session token[\"manage\"] ";
        case webui::Access::Replicate:
            return "token[\"replicate\"] ";
        case webui::Access::Join:
            return "token[\"join\"] ";
    }
    return "?";
}

std::set<std::string> namesIn(const std::string& pattern) {
    std::set<std::string> names;
    for (std::size_t at = 0; (at = pattern.find('{', at)) != std::string::npos; ++at) {
        names.insert(pattern.substr(at + 1, pattern.find('}', at) - at - 1));
    }
    return names;
}

}  // namespace

TEST_CASE("each route is in the document, and the document has no other") {
    const House house;
    std::map<std::string, const webui::Route*> routes;
    for (const webui::Route& route : house.site.api().routes()) {
        CHECK_MESSAGE(routes.emplace(route.method + ' ' + route.pattern, &route).second,
                      route.pattern);
    }
    std::set<std::string> documented;
    std::set<std::string> ids;
    const json described = document();
    for (const auto& [path, operations] : described.at("paths").items()) {
        for (const auto& [method, operation] : operations.items()) {
            const std::string name = upper(method) + ' ' + path;
            documented.insert(name);
            const auto route = routes.find(name);
            CHECK_MESSAGE(route != routes.end(), name, " is not served");
            if (route == routes.end()) {
                continue;
            }
            CHECK_MESSAGE(operation.at("operationId") == route->second->operationId, name);
            CHECK_MESSAGE(callersIn(operation) == callersOf(route->second->access), name);
            CHECK_MESSAGE(operation.contains("requestBody") == (route->second->mostBody > 0), name);
            CHECK_MESSAGE(ids.insert(route->second->operationId).second, name);
            std::set<std::string> parts;
            for (const json& parameter : operation.value("parameters", json::array())) {
                if (parameter.at("in") == "path") {
                    parts.insert(parameter.at("name").get<std::string>());
                }
            }
            CHECK_MESSAGE(parts == namesIn(path), name);
        }
    }
    for (const auto& [name, route] : routes) {
        CHECK_MESSAGE(documented.contains(name), name, " is not in the document");
    }
}

TEST_CASE("whatever is referred to is there") {
    const json described = document();
    CHECK(described.at("openapi") == "3.1.0");
    for (const json& value : described.flatten()) {
        if (value.is_string() && value.get_ref<const std::string&>().starts_with("#/")) {
            const std::string pointer = value.get<std::string>().substr(1);
            CHECK_MESSAGE(described.contains(json::json_pointer(pointer)), pointer);
        }
    }
}
