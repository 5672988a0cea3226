// Secrets are taken out of a request's text as a parser would have read them, and leave it.
#include "crypto/secret_fields.h"

#include <doctest/doctest.h>

using crypto::cutSecrets;
using nlohmann::json;

namespace {

/// What the request says once the secrets are put back.
std::string readWithCut(std::string text) {
    const auto secrets = cutSecrets(text);
    json body = json::parse(text, nullptr, false);
    crypto::putBack(secrets, body);
    return body.dump();
}

std::string readPlainly(const std::string& text) {
    return json::parse(text, nullptr, false).dump();
}

}  // namespace

TEST_CASE("what is read with the secrets cut out is what a parser reads") {
    for (const std::string text : {R"({"password":"abc"})",
                                   R"( { "a" : 1 , "password" : "a b\"c\\d\/\b\f\n\r\t" } )",
                                   R"({"password":"\u0041\u00fc\u20ac\ud83d\ude00ü€😀"})",
                                   R"({"password":""})",
                                   R"({"password":"one","password":"two"})",
                                   R"({"password":"one","password":2})",
                                   R"({"password":17,"token":null})",
                                   R"({"name":"password","x":"password"})",
                                   R"({"a":{"password":"inner"},"password":"outer"})",
                                   R"({"a":["password","{","}"],"identity":"AGE-SECRET-KEY-1"})",
                                   R"({"a":"\\","password":"b"})",
                                   R"({"a":"\"password\":\"no\"","passphrase":"yes"})",
                                   R"([{"password":"in an array"}])",
                                   R"("password")",
                                   "",
                                   "{",
                                   R"({"password")",
                                   R"({"password":)",
                                   R"({"password":"open)",
                                   R"({"password":"\)",
                                   R"({"password":"a" "b"})",
                                   R"({"password":"\u12"})",
                                   R"({"password":"\ud800"})",
                                   R"({"password":"\udc00x"})",
                                   R"({"password":"\ud800\u0041"})",
                                   R"({"password":"\x"})",
                                   "{\"password\":\"a\nb\"}",
                                   "{\"password\":\"\xff\"}",
                                   "{\"password\":\"\xc3\"}",
                                   R"({"pass\u0077ord":"abc"})",
                                   R"(}}{"password":"abc"})"}) {
        CAPTURE(text);
        CHECK(readWithCut(text) == readPlainly(text));
    }
}

TEST_CASE("any text at all is read as by a parser") {
    const std::string pieces[] = {"{",        "}",         "[",  "]",  "\"", "\\",  ":",
                                  ",",        "u",         "00", "41", "d8", "dc",  "x",
                                  "password", "\"token\"", " ",  "\n", "ü",  "\xc3"};
    unsigned state = 7;
    for (int round = 0; round < 20'000; ++round) {
        std::string text = round % 2 == 0 ? "{\"password\":\"" : "{\"token\":";
        for (int i = 0; i < 12; ++i) {
            state = state * 1664525U + 1013904223U;
            text += pieces[(state >> 16U) % std::size(pieces)];
        }
        text += round % 3 == 0 ? "\"}" : "}";
        CAPTURE(text);
        REQUIRE(readWithCut(text) == readPlainly(text));
    }
}

TEST_CASE("nothing of a secret is left in the text, nor in an object that is wiped") {
    std::string text = R"({"address":"mbx","password":"Wq7vK-abc","passphrase":"open sesame"})";
    const std::size_t size = text.size();
    const auto secrets = cutSecrets(text);
    REQUIRE(secrets.size() == 2);
    CHECK(secrets[0].first == "password");
    CHECK(secrets[0].second.view() == "Wq7vK-abc");
    CHECK(secrets[1].second.view() == "open sesame");
    CHECK(text == R"({"address":"mbx","password":"xxxxxxxxx","passphrase":"xxxxxxxxxxx"})");
    CHECK(text.size() == size);
    json object{{"name", "kept"}, {"password", "Wq7vK-abc"}, {"token", 3}};
    crypto::wipeSecrets(object);
    CHECK(object.dump().find("Wq7vK") == std::string::npos);
    CHECK(object.at("name") == "kept");
    json none;
    crypto::wipeSecrets(none);
}

TEST_CASE("what is written with secrets is what a serializer writes, and they leave the object") {
    for (const std::string password : {"plain", "", "a \"quoted\" back\\slash",
                                       "line\nend\ttab\x01", "ü€😀", "xxx", "\xff no UTF-8"}) {
        CAPTURE(password);
        json object{{"name", "\"password\":\"xxxxx\""},
                    {"password", password},
                    {"pair", {{"password", "inner"}}},
                    {"token", 17},
                    {"count", 3}};
        const std::string plain = object.dump(-1, ' ', false, json::error_handler_t::replace);
        CHECK(json::parse(crypto::writeWithSecrets(object)) == json::parse(plain));
        if (password.size() > 3 && password[0] != '\xff') {
            CHECK(object.at("password").get<std::string>().find_first_not_of('x') ==
                  std::string::npos);
        }
    }
    json array = json::array({"password", "a"});
    CHECK(crypto::writeWithSecrets(array) == "[\"password\",\"a\"]\n");
}
