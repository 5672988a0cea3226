// Requests about web accounts and API tokens, and what they answer.
#include <fstream>
#include <iterator>

#include "tests/gateway/operations_fixture.h"
#include "webui/admins.h"

using operations_test::House;
using json = nlohmann::json;

namespace {

constexpr const char* kPassword = "correct horse battery";

std::string fileOf(const House& house) {
    std::ifstream file(house.layout.admins());
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("an account is made, listed, given a token and removed") {
    House house;
    CHECK(house.ask("admin.list").at("admins") == json::array());
    const json made = house.ask("admin.create", {{"name", "Anna"}, {"password", kPassword}});
    REQUIRE_MESSAGE(made.at("ok") == true, made.dump());
    CHECK(made.at("name") == "anna");
    CHECK(!made.contains("password"));
    const json token = house.ask("admin.token", {{"name", "anna"}, {"scope", "read"}});
    REQUIRE_MESSAGE(token.at("ok") == true, token.dump());
    CHECK(token.at("account") == true);
    const auto admins = webui::Admins::load(house.layout);
    CHECK(admins.scopeOf(token.at("token").get<std::string>()) == webui::TokenScope::Read);
    CHECK(admins.verify("anna", crypto::Password(kPassword)));

    const json other = house.ask("admin.token", {{"name", "monitor"}, {"scope", "replicate"}});
    CHECK(other.at("account") == false);
    const json list = house.ask("admin.list").at("admins");
    REQUIRE(list.size() == 2);
    CHECK(list[0] ==
          json{{"name", "anna"},
               {"created", made.at("created")},
               {"tokens",
                {{{"id", token.at("id")}, {"scope", "read"}, {"created", token.at("created")}}}}});
    CHECK(list[1].at("created") == nullptr);
    CHECK(list.dump().find("argon2") == std::string::npos);

    json gone = house.ask("admin.remove", {{"name", "monitor"}, {"token", other.at("id")}});
    CHECK(gone == json{{"ok", true}, {"name", "monitor"}, {"account", false}, {"tokens", 1}});
    gone = house.ask("admin.remove", {{"name", "anna"}});
    CHECK(gone == json{{"ok", true}, {"name", "anna"}, {"account", true}, {"tokens", 1}});
    CHECK(house.ask("admin.list").at("admins") == json::array());
}

TEST_CASE("what is refused changes nothing") {
    House house;
    house.ask("admin.create", {{"name", "anna"}, {"password", kPassword}});
    const std::string before = fileOf(house);
    const json name{{"name", "anna"}};
    const auto with = [&](const char* key, const char* value) {
        json request = name;
        request[key] = value;
        return request;
    };
    CHECK(house.refused("admin.create", with("password", kPassword), "already") == EX_CANTCREAT);
    CHECK(house.refused("admin.create", {{"name", "a b"}, {"password", kPassword}}, "\"a b\"") ==
          EX_USAGE);
    CHECK(house.refused("admin.create", {{"name", "bert"}, {"password", "short"}}, "12") ==
          EX_DATAERR);
    CHECK(house.refused("admin.create", {{"name", "bert"}}, "no password") == EX_USAGE);
    CHECK(house.refused("admin.password", {{"name", "bert"}, {"password", kPassword}}, "bert") ==
          EX_DATAERR);
    CHECK(house.refused("admin.token", with("scope", "all"), "scope") == EX_USAGE);
    CHECK(house.refused("admin.remove", {{"name", "bert"}}, "bert") == EX_DATAERR);
    CHECK(house.refused("admin.remove", with("token", "0000"), "no token") == EX_DATAERR);
    CHECK(house.refused("admin.paint", name, "admin.paint") == EX_UNAVAILABLE);
    CHECK(fileOf(house) == before);

    std::ofstream(house.layout.admins()) << "format = 1\n[[admin]]\n";
    CHECK(house.refused("admin.create", {{"name", "bert"}, {"password", kPassword}}, "damaged") ==
          EX_DATAERR);
    CHECK(house.refused("admin.list", {}, "damaged") == EX_DATAERR);
    std::ofstream(house.layout.admins()) << "format = 2\n";
    CHECK(house.refused("admin.remove", name, "newer") == EX_CONFIG);
    CHECK(fileOf(house) == "format = 2\n");
}
