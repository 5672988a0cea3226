// The JSON of requests: one object, called what it is, not too deep.
#include "webui/request_body.h"

#include <doctest/doctest.h>

#include "webui/api.h"

namespace {

/// The status with which the body is refused; 0 where it is taken.
unsigned statusOf(const std::string& body, const std::string& type = "application/json") {
    gateway::net::HttpRequest request;
    request.body = body;
    if (!type.empty()) {
        request.fields.emplace_back("content-type", type);
    }
    try {
        webui::readBody(request);
        return 0;
    } catch (const webui::Refused& refused) {
        return refused.status;
    }
}

std::string nested(std::size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + '}';
}

}  // namespace

TEST_CASE("objects are taken, by their name") {
    CHECK(statusOf("{\"a\":1}") == 0);
    CHECK(statusOf(" {} ", "Application/JSON; charset=utf-8") == 0);
    CHECK(statusOf("", "") == 0);
    for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded",
                             "multipart/form-data", "application/jsonp", "text/json"}) {
        CHECK_MESSAGE(statusOf("{}", type) == 415, type);
    }
}

TEST_CASE("what is no object, no JSON or no UTF-8 is refused") {
    for (const char* body : {"[]", "1", "null", "\"a\"", "{", "{}{}", "{\"a\":1,}", "{'a':1}",
                             "{\"a\":\"\xff\"}", "{\"a\":\"\x01\"}", "a=1", "{\"a\":1e999}"}) {
        CHECK_MESSAGE(statusOf(body) == 400, body);
    }
}

TEST_CASE("nesting has an end") {
    CHECK(statusOf(nested(10)) == 0);
    CHECK(statusOf(nested(100)) == 400);
    CHECK(statusOf(nested(30'000)) == 400);
    CHECK(statusOf(std::string(60'000, '[')) == 400);
}
