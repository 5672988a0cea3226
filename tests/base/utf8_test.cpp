// What is UTF-8 and what only looks like it: each border of the table in RFC 3629 section 4.
#include "gateway/base/utf8.h"

#include <doctest/doctest.h>

using gateway::utf8Length;

TEST_CASE("the first and last sequence of each form has its length") {
    for (const char* one : {"\x01", "\x7F"}) {
        CHECK(utf8Length(one) == 1);
    }
    CHECK(utf8Length(std::string_view("\0", 1)) == 1);
    for (const char* two : {"\xC2\x80", "\xDF\xBF"}) {
        CHECK(utf8Length(two) == 2);
    }
    for (const char* three : {"\xE0\xA0\x80", "\xE0\xBF\xBF", "\xE1\x80\x80", "\xEC\xBF\xBF",
                              "\xED\x80\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF"}) {
        CHECK(utf8Length(three) == 3);
    }
    for (const char* four : {"\xF0\x90\x80\x80", "\xF0\xBF\xBF\xBF", "\xF1\x80\x80\x80",
                             "\xF3\xBF\xBF\xBF", "\xF4\x80\x80\x80", "\xF4\x8F\xBF\xBF"}) {
        CHECK(utf8Length(four) == 4);
    }
}

TEST_CASE("what follows the sequence does not matter") {
    CHECK(utf8Length("a\xFF") == 1);
    CHECK(utf8Length("\xC3\xA4\x80") == 2);
}

TEST_CASE("overlong forms, surrogates, what is beyond U+10FFFF and torn sequences are none") {
    for (const char* wrong : {"\x80",
                              "\xBF",
                              "\xC0\x80",
                              "\xC1\xBF",
                              "\xC2",
                              "\xC2\x7F",
                              "\xC2\xC0",
                              "\xE0\x9F\xBF",
                              "\xE1\x80",
                              "\xE1\x80\x7F",
                              "\xE1\x80\xC0",
                              "\xED\xA0\x80",
                              "\xED\xBF\xBF",
                              "\xF0\x8F\xBF\xBF",
                              "\xF1\x80\x80",
                              "\xF1\x80\x80\x7F",
                              "\xF1\x80\x80\xC0",
                              "\xF4\x90\x80\x80",
                              "\xF5\x80\x80\x80",
                              "\xFF"}) {
        CHECK(utf8Length(wrong) == 0);
    }
    CHECK(utf8Length("") == 0);
}
