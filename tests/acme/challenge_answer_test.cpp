// The listener for challenges: known tokens, and nothing else of this server.
#include "acme/challenge_answer.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

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

TEST_CASE("what is borrowed is answered for its name and its time, and never before our own") {
    const auto now = std::chrono::system_clock::now();
    acme::Challenges challenges;
    challenges.borrow({{"msgw.example.com", "theirs", "theirs.1", nullptr, now + 1h},
                       {"msgw.example.com", "over", "over.1", nullptr, now - 1s},
                       {"msgw.example.com", "both", "both.theirs", nullptr, now + 1h}});
    challenges.add("both", "both.ours");
    gateway::net::HttpRequest request;
    request.method = "GET";
    const auto at = [&](const std::string& host, const std::string& token) {
        request.host = host;
        request.path = kPath + token;
        const auto response = acme::answerChallenge(challenges, request, kPage);
        return response.status == 200 ? response.body : std::to_string(response.status);
    };
    CHECK(at("msgw.example.com", "theirs") == "theirs.1");
    CHECK(at("msgw1.example.com", "theirs") == "404");
    CHECK(at("", "theirs") == "404");
    CHECK(at("msgw.example.com", "over") == "404");
    CHECK(at("msgw.example.com", "both") == "both.ours");
    challenges.borrow({});
    CHECK(at("msgw.example.com", "theirs") == "404");
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
