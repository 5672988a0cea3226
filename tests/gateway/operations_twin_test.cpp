// Pairing as requests: who is let in by which invitation, what each side keeps of it, who is
// trusted from then on, and what parting takes back.
#include "gateway/operations_twin.h"

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "gateway/replica/invitation.h"
#include "gateway/replica/twins_file.h"
#include "tests/gateway/operations_fixture.h"
#include "webui/admins.h"

using namespace gateway;
using namespace operations_test;
using nlohmann::json;

namespace {

/// One that is called at an address of its own; by an authority's certificate, so that invitations
/// need none on disk.
struct Called : House {
    Called() {
        config.web.listen = {{"192.0.2.1", 8450}};
        config.tls.source = Config::Tls::Source::Acme;
    }
    replica::Invitation invitation(json request = json::object()) {
        const json answer = ask("twin.invite", std::move(request));
        REQUIRE_MESSAGE(answer.at("ok") == true, answer.dump());
        std::string why;
        auto read = replica::Invitation::parse(answer.at("invitation").get<std::string>(), why);
        REQUIRE_MESSAGE(read, why);
        return std::move(*read);
    }
    /// The ids of the tokens of that scope.
    std::vector<std::string> tokens(std::string_view scope) const {
        std::vector<std::string> ids;
        const webui::Admins admins = webui::Admins::load(layout);
        for (const auto& token : admins.tokens()) {
            if (token.scope == scope) {
                ids.push_back(token.id);
            }
        }
        return ids;
    }
};

json introduced(const House& house) {
    return {{"node", house.keeper.self().id().str()},
            {"node_key", house.keeper.self().key().verifyKey().str()},
            {"node_name", "msgw2.test"}};
}

json accepting(const House& other, const std::string& invitation) {
    json request = introduced(other);
    request["invitation"] = invitation;
    return request;
}

json joining(const House& other) {
    json request = introduced(other);
    request.update({{"url", "https://msgw2.test:8450"}, {"fingerprint", ""}, {"token", "secret"}});
    return request;
}

bool trusts(const House& house, const House& other) {
    return house.keeper.trusted().trusts(other.keeper.self().id(),
                                         other.keeper.self().key().verifyKey());
}

}  // namespace

TEST_CASE("an invitation names the node, where to call it, and a token of its own") {
    Called house;
    const auto invitation = house.invitation();
    CHECK(invitation.node == house.keeper.self().id());
    CHECK(invitation.key == house.keeper.self().key().verifyKey());
    CHECK(house.tokens("join").size() == 1);
    const json asked = house.ask("twin.invite", {{"url", "https://msgw.test:9000/"}});
    CHECK(asked.at("url") == "https://msgw.test:9000");
    CHECK(asked.at("loopback") == false);
    house.config.web.listen = {{"127.0.0.1", 8450}};
    CHECK(house.ask("twin.invite").at("loopback") == true);
    CHECK(house.refused("twin.invite", {{"url", "ftp://x"}}, "no address for a twin") == EX_USAGE);
    house.config.web.listen.clear();
    CHECK(house.refused("twin.invite", {}, "web.listen is empty") == EX_CONFIG);
}

TEST_CASE("an invitation lets one node in, once, and both sides keep what they need") {
    Called house;
    House other;
    house.invitation();
    const std::string id = house.tokens("join").at(0);
    CHECK_FALSE(trusts(house, other));
    const json accepted = house.ask("twin.accept", accepting(other, id));
    REQUIRE_MESSAGE(accepted.at("ok") == true, accepted.dump());
    CHECK(accepted.at("token").get<std::string>().size() > 20);
    CHECK(trusts(house, other));
    CHECK(house.tokens("join").empty());
    CHECK(house.tokens("replicate").size() == 1);
    const auto twins = replica::TwinsFile::load(house.layout);
    REQUIRE(twins.twins().size() == 1);
    CHECK(twins.twins()[0].token == house.tokens("replicate")[0]);
    CHECK(twins.twins()[0].url.empty());
    CHECK(house.refused("twin.accept", accepting(other, id), "used already") == EX_NOPERM);
    CHECK(house.refused("twin.accept", accepting(other, "none"), "used already") == EX_NOPERM);
    json nobody = accepting(other, id);
    nobody["node_key"] = "x";
    CHECK(house.refused("twin.accept", nobody, "does not say who it is") == EX_DATAERR);
    CHECK(house.refused("twin.accept", accepting(house, id), "this node's own") == EX_DATAERR);
}

TEST_CASE("who joins once more has one token, and the earlier opens nothing") {
    Called house;
    House other;
    std::string before;
    for (int times = 0; times < 2; ++times) {
        house.invitation();
        const json request = accepting(other, house.tokens("join").at(0));
        REQUIRE(house.ask("twin.accept", request).at("ok") == true);
        REQUIRE(house.tokens("replicate").size() == 1);
        CHECK(house.tokens("replicate")[0] != before);
        before = house.tokens("replicate")[0];
    }
    CHECK(replica::TwinsFile::load(house.layout).twins().size() == 1);
}

TEST_CASE("the node that joined keeps the token where only it can read it") {
    House house;
    House other;
    REQUIRE(house.ask("twin.joined", joining(other)).at("ok") == true);
    const auto file = house.layout.twinToken(other.keeper.self().id());
    CHECK(readWhole(file, 100) == "secret\n");
    struct stat found{};
    REQUIRE(::stat(file.c_str(), &found) == 0);
    CHECK((found.st_mode & 077U) == 0);
    CHECK(trusts(house, other));
    const json listed = house.ask("twin.list").at("twins");
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].at("name") == "msgw2.test");
    CHECK(listed[0].at("url") == "https://msgw2.test:8450");
    CHECK(listed.dump().find("secret") == std::string::npos);
    CHECK(house.refused("twin.join", {}, "no server runs") == EX_UNAVAILABLE);
}

TEST_CASE("whom the other trusts is trusted too, so many and no more, and never another key") {
    House house;
    House other;
    json request = joining(other);
    json trusted = json::array({7, "x", {{"node", "n"}}});
    for (int count = 0; count < 30; ++count) {
        trusted.push_back({{"node", NodeId::generate().str()},
                           {"node_key", crypto::SigningKey::generate().verifyKey().str()}});
    }
    request["trusted"] = trusted;
    REQUIRE(house.ask("twin.joined", request).at("ok") == true);
    CHECK(house.keeper.trusted().nodes().size() <= 21);
    CHECK(house.keeper.trusted().nodes().size() > 15);
    CHECK(trustedByUs(house.keeper).size() <= 20);
    json liar = joining(other);
    liar["node_key"] = crypto::SigningKey::generate().verifyKey().str();
    CHECK(house.refused("twin.joined", liar, "trusted with another key") == EX_DATAERR);
    CHECK(trusts(house, other));
}

TEST_CASE("parting takes token and trust back, on either side") {
    Called house;
    House other;
    house.invitation();
    REQUIRE(house.ask("twin.accept", accepting(other, house.tokens("join").at(0))).at("ok"));
    REQUIRE(other.ask("twin.joined", joining(house)).at("ok"));
    CHECK(house.refused("twin.remove", {{"twin", "msgw9.test"}}, "there is no twin") == EX_DATAERR);
    const json removed = house.ask("twin.remove", {{"twin", "msgw2.test"}});
    CHECK(removed.at("node") == other.keeper.self().id().str());
    CHECK(house.tokens("replicate").empty());
    CHECK_FALSE(trusts(house, other));
    CHECK(replica::TwinsFile::load(house.layout).twins().empty());
    REQUIRE(other.ask("twin.remove", {{"twin", house.keeper.self().id().str()}}).at("ok"));
    CHECK_FALSE(std::filesystem::exists(other.layout.twinToken(house.keeper.self().id())));
    Config::Twin& fromFile = other.config.twins.emplace_back();
    fromFile.url = "https://msgw3.test:8450";
    CHECK(other.refused("twin.remove", {{"twin", fromFile.url}}, "take its [[twin]] out") ==
          EX_DATAERR);
}
