// Addresses of requests, taken apart: what fits a route, and what no route may ever see.
#include "webui/target.h"

#include <doctest/doctest.h>

using webui::isUnder;
using webui::match;
using webui::parseQuery;
using webui::percentDecoded;

TEST_CASE("a pattern's names take whole parts, and nothing else") {
    const auto parts =
        match("/mailboxes/{address}/messages/{uidl}", "/mailboxes/mbx-1%40d/messages/x");
    REQUIRE(parts);
    CHECK(parts->at("address") == "mbx-1@d");
    CHECK(parts->at("uidl") == "x");
    for (const char* other :
         {"/mailboxes", "/mailboxes/a", "/mailboxes/a/messages", "", "/mailboxes/a/messages/",
          "/mailboxes//messages/x", "/mailboxes/a/messages/x/", "/mailboxes/a/messages/x/y",
          "/mailboxes/a%2Fmessages/x", "/Mailboxes/a/messages/x"}) {
        CHECK_MESSAGE(!match("/mailboxes/{address}/messages/{uidl}", other), other);
    }
    CHECK(match("/session", "/session"));
    CHECK(!match("/session", "/session/"));
    CHECK(!match("/session", "/%73ession"));
}

TEST_CASE("a slash that was written with a percent sign makes no part of its own") {
    const auto parts = match("/mailboxes/{address}", "/mailboxes/..%2f..%2Fetc");
    REQUIRE(parts);
    CHECK(parts->at("address") == "../../etc");
}

TEST_CASE("percent signs") {
    CHECK(percentDecoded("a%20b%C3%A4") == "a b\xc3\xa4");
    for (const char* bad : {"%", "%2", "%2x", "%00", "%0a", "%7f", "a\nb"}) {
        CHECK_MESSAGE(!percentDecoded(bad), bad);
    }
}

TEST_CASE("a query") {
    const auto query = parseQuery("a=1&b=x+y%3D&a=2&c&=d&e=%zz&f=");
    CHECK(query ==
          std::map<std::string, std::string>{{"a", "1"}, {"b", "x y="}, {"c", ""}, {"f", ""}});
    CHECK(parseQuery("").empty());
}

TEST_CASE("what is under a folder") {
    CHECK(isUnder("/api", "/api"));
    CHECK(isUnder("/api/v1", "/api"));
    CHECK(!isUnder("/apis", "/api"));
    CHECK(!isUnder("/ap", "/api"));
    CHECK(!isUnder("/", "/api"));
}
