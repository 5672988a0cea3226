// ACME challenges on their way to a twin that is called, and back: told as long as they are needed,
// never said to be here when they are not.
#include <doctest/doctest.h>

#include "gateway/replica/twin.h"
#include "tests/replica/played_twin.h"

using namespace played;

TEST_CASE("our challenges are told to a twin, and it says that it has them") {
    Pair pair;
    pair.offer = {{"sequence", 7}, {"challenges", {{{"token", "t"}}}}};
    CHECK(pair.share(1) == 7);
    REQUIRE(pair.said.size() == 1);
    CHECK(pair.said[0] == json{{"offer", pair.offer}, {"have", 0}});
    CHECK(pair.taken.empty());
}

TEST_CASE("the challenges of a twin are taken, and it is told so at once") {
    Pair pair;
    pair.theirOffer = {{"sequence", 9}};
    pair.share(2);
    CHECK(pair.taken == std::vector<std::uint64_t>{9, 9});
    REQUIRE(pair.said.size() == 2);
    CHECK(pair.said[0] == json{{"offer", nullptr}, {"have", 0}});
    CHECK(pair.said[1] == json{{"offer", nullptr}, {"have", 9}});
}

TEST_CASE("challenges of a twin that nobody trusts are never said to be here") {
    Pair pair;
    pair.trusted = false;
    pair.theirOffer = {{"sequence", 9}};
    pair.share(1);  // nothing of ours is to be told: not tried again
    REQUIRE(pair.said.size() == 1);
    CHECK(pair.said[0].at("have") == 0);
}

TEST_CASE("while we offer challenges a twin that fails is told again and again") {
    for (const auto& wrong : {answerOf(404, ""), answerOf(500, "[]"), answerOf(401, "x")}) {
        Pair pair;
        pair.offer = {{"sequence", 7}, {"challenges", {{{"token", "t"}}}}};
        pair.instead["/challenges"] = wrong;
        pair.mayGoOn = true;
        CHECK(pair.share(3) == 0);
        CHECK(pair.said.size() >= 3);
        pair.said.clear();
        pair.mayGoOn = false;
        pair.offer["challenges"] = json::array();  // the order is over: it ends by itself there
        pair.share(1);
        CHECK(pair.said.size() == 1);
    }
}

TEST_CASE("an answer about challenges that is none says nothing") {
    for (const char* text : {"", "[]", "7", R"({"have":"x","offer":7})", R"({"have":-1})"}) {
        Pair pair;
        pair.offer = {{"sequence", 7}, {"challenges", {{{"token", "t"}}}}};
        pair.instead["/challenges"] = answerOf(200, text);
        pair.mayGoOn = true;
        CHECK(pair.share(1) == 0);
        CHECK(pair.taken.empty());
    }
}
