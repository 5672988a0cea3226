// The message of SASL PLAIN: exactly two NULs, a name, a password (RFC 4616 section 2).
#include "pop3/sasl_plain.h"

#include <string>

#include <doctest/doctest.h>

#include "gateway/base/text.h"

using namespace std::string_view_literals;
using pop3::parsePlain;

TEST_CASE("the three parts are found in place") {
    const auto message = parsePlain("act\0log in\0 pass word "sv);
    REQUIRE(message);
    CHECK(message->authorizationId == "act");
    CHECK(message->authenticationId == "log in");
    CHECK(message->password == " pass word ");
    const auto oneself = parsePlain("\0l\0p"sv);
    REQUIRE(oneself);
    CHECK(oneself->authorizationId.empty());
    CHECK(oneself->password == "p");
}

TEST_CASE("anything else is no message") {
    for (const std::string_view wrong : {""sv, "\0"sv, "\0\0"sv, "\0\0p"sv, "\0l\0"sv, "l\0p"sv,
                                         "l"sv, "a\0l\0p\0"sv, "a\0l\0p\0q"sv, "\0l\0\0p"sv}) {
        CAPTURE(gateway::printable(wrong));
        CHECK_FALSE(parsePlain(wrong));
    }
}
