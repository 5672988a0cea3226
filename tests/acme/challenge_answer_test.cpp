// The listener for challenges: known tokens, and nothing else of this server.
#include "acme/challenge_answer.h"

#include <doctest/doctest.h>

namespace {

gateway::net::HttpResponse answerTo(const std::string& path, const std::string& page = "",
                                    const std::string& method = "GET") {
    acme::Challenges challenges;
    challenges.add("known-token_1", "known-token_1.thumbprint");
    gateway::net::HttpRequest request;
    request.method = method;
    request.path = path;
    request.host = "evil.example";
    return acme::answerChallenge(challenges, request, page);
}

const std::string kPath(acme::kChallengePath);
const std::string kPage = "https://msgw1.example.com:8450/";

}  // namespace

TEST_CASE("a known token is answered by its key authorisation, as often as it is asked for") {
    CHECK(answerTo(kPath + "known-token_1").status == 200);
    CHECK(answerTo(kPath + "known-token_1").body == "known-token_1.thumbprint");
    CHECK(answerTo(kPath + "known-token_1", kPage).body == "known-token_1.thumbprint");
}

TEST_CASE("others are not known, also where there is a page") {
    for (const char* token : {"", "other", "known-token_1/", "../known-token_1", "known-token%5F1",
                              "known-token_1.thumbprint"}) {
        CHECK(answerTo(kPath + token).status == 404);
        CHECK(answerTo(kPath + token, kPage).status == 404);
    }
}

TEST_CASE("everything else leads to the page, by no word of who asks") {
    CHECK(answerTo("/").status == 404);
    const auto response = answerTo("/any?where", kPage);
    CHECK(response.status == 307);
    CHECK(response.fields.back() == std::pair<std::string, std::string>("Location", kPage));
    CHECK(response.body.find("evil") == std::string::npos);
    CHECK(answerTo("/", kPage, "POST").status == 405);
}
