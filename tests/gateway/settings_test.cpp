// What is told of the settings: every key, where its value comes from, and no secret.
#include "gateway/settings.h"

#include <algorithm>

#include <doctest/doctest.h>

using nlohmann::json;

namespace {

json describe(const std::string& text) {
    return gateway::describeSettings(gateway::parseConfig(text, "/etc/postern/postern.toml"));
}

json settingOf(const json& told, const std::string& key) {
    for (const json& setting : told.at("settings")) {
        if (setting.at("key") == key) {
            return setting;
        }
    }
    return {};
}

}  // namespace

TEST_CASE("every key is told, those that were written with their line") {
    const json told = describe(
        "domain = \"Msgw.example.com\"\n\n[smtp]\nmax_connections = 7\nlisten = [\"[::]:2525\"]\n");
    CHECK(told.at("file") == "/etc/postern/postern.toml");
    CHECK(told.at("settings").size() == gateway::configKeys().size());
    const auto of = [&](const char* key, const char* field) {
        return settingOf(told, key).at(field);
    };
    CHECK(of("domain", "value") == "Msgw.example.com");
    CHECK(of("domain", "line") == 1);
    CHECK(of("domain", "default").is_null());
    CHECK(of("hostname", "value") == "msgw.example.com");
    CHECK(of("hostname", "line").is_null());
    CHECK(of("smtp.max_connections", "value") == 7);
    CHECK(of("smtp.max_connections", "default") == 1000);
    CHECK(of("smtp.max_connections", "line") == 4);
    CHECK(of("smtp.listen", "value") == json({"[::]:2525"}));
    CHECK(of("smtp.listen_tls", "value") == json::array());
    CHECK(of("store.min_free", "value") == "1GiB");
    CHECK(of("store.min_free", "line").is_null());
    CHECK(of("store.min_free", "effective") == true);
    CHECK(of("store.s3.bucket", "effective") == false);
    CHECK(!settingOf(told, "store.min_free").contains("secret"));
}

TEST_CASE("a secret is not told, only that and where it stands") {
    const json told = describe(
        "domain = \"a.example\"\n[alerts]\nwebhook = \"https://hooks.example/T0/very-secret\"\n");
    const json webhook = settingOf(told, "alerts.webhook");
    CHECK(webhook.at("value").is_null());
    CHECK(webhook.at("line") == 3);
    CHECK(webhook.at("secret") == true);
    CHECK(told.dump().find("very-secret") == std::string::npos);
}
