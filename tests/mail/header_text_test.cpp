// Header fields as people read them: the examples of RFC 2047, what mail programs make of it, and
// what nobody should send.
#include "gateway/mail/header_text.h"

#include <chrono>

#include <doctest/doctest.h>

#include "gateway/base/utf8.h"

using gateway::headerBody;
using gateway::readableText;

TEST_CASE("the examples of RFC 2047 section 8") {
    CHECK(readableText("(=?ISO-8859-1?Q?a?=)") == "(a)");
    CHECK(readableText("(=?ISO-8859-1?Q?a?= b)") == "(a b)");
    CHECK(readableText("(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)") == "(ab)");
    CHECK(readableText("(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)") == "(ab)");
    CHECK(readableText("(=?ISO-8859-1?Q?a_b?=)") == "(a b)");
    CHECK(readableText("(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)") == "(a b)");
    CHECK(readableText("=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>") ==
          "Keith Moore <moore@cs.utk.edu>");
    CHECK(readableText("=?ISO-8859-1?Q?Andr=E9?= Pirard") == "André Pirard");
    CHECK(readableText("=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= "
                       "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=") ==
          "If you can read this you understand the example.");
}

TEST_CASE("charsets of the world, languages, and characters cut in two") {
    CHECK(readableText("=?utf-8?q?Gr=C3=BC=C3=9Fe?=") == "Grüße");
    CHECK(readableText("=?UTF-8?B?R3LDvMOf?=  =?utf-8?B?ZQ?=") == "Grüße");
    CHECK(readableText("=?UTF-8?Q?a=C3?= =?UTF-8?Q?=BC?= b") == "aü b");
    CHECK(readableText("=?windows-1252?Q?=80_5?=") == "€ 5");
    CHECK(readableText("=?koi8-r?B?8NLJ18XU?=") == "Привет");
    CHECK(readableText("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=") == "日本");
    CHECK(readableText("=?GB2312?B?xOO6ww==?=") == "你好");
    CHECK(readableText("=?US-ASCII*EN?Q?Keith?=") == "Keith");
}

TEST_CASE("what is no encoded word, or of no known charset, stays as it is") {
    for (const char* text :
         {"plain", "a =? b", "=?utf-8?Q?a b?=", "=?utf-8?X?abc?=", "=?utf-8?Q?=G1?=",
          "=?utf-8?B?!!?=", "=?utf-8?Q?abc", "=?utf-8", "=?", "=??Q", "=?ISO-2022-CN-EXT?B?YWJj?=",
          "=?x-unknown?Q?a?= =?x-unknown?Q?b?= c", "=?UTF-16?B?AGEAYg==?="}) {
        CHECK(readableText(text) == text);
    }
}

TEST_CASE("the result is one line of UTF-8 without control characters, and bounded") {
    CHECK(readableText("a\x01\tb\x7f") == "a  b ");
    CHECK(readableText("=?utf-8?Q?a=0D=0ASet-Cookie:_b=00?=") == "a  Set-Cookie: b ");
    CHECK(readableText("=?utf-8?Q?=C2=85=E2=80=A8?=") == "  ");
    CHECK(readableText("Gr\xfc\xdf"
                       "e") ==
          "Gr\xef\xbf\xbd\xef\xbf\xbd"
          "e");
    CHECK(readableText("=?iso-2022-jp?B?GyRCRg==?=").find('\x1b') == std::string::npos);
    CHECK(readableText(std::string(5000, 'x')) == std::string(1000, 'x') + "…");
    CHECK(readableText("äää", 5) == "ää…");
    std::string octets;
    for (int i = 0; i < 70'000; ++i) {
        octets += static_cast<char>((i * 7919) >> 3);
    }
    for (const std::string start : {"=?utf-8?Q?", "=?gb18030?B?", "=?koi8-r?q?", ""}) {
        std::string text = readableText(start + octets + "?=");
        CHECK(text.size() <= 1003);
        for (std::string_view rest = text; !rest.empty();) {
            const std::size_t length = gateway::utf8Length(rest);
            REQUIRE(length > 0);
            rest.remove_prefix(length);
        }
    }
}

TEST_CASE("a field is found by its name in any case, unfolded, and not behind the header") {
    const std::string message =
        "Received: by a\r\n\tfor b\r\nSUBJECT:  one\r\n two \r\nSubject: later\r\nTo:\r\n\r\n"
        "From: body\r\n";
    CHECK(headerBody(message, "Subject") == "one two");
    CHECK(headerBody(message, "received") == "by a\tfor b");
    CHECK(headerBody(message, "To") == "");
    CHECK(!headerBody(message, "From"));
    CHECK(!headerBody(message, "Sub"));
    CHECK(!headerBody("", "From"));
    CHECK(headerBody("From: cut", "From") == "cut");
    CHECK(headerBody("From: abc", "From", 2) == "a");
}

TEST_CASE("a header of nothing but folds takes no time to speak of") {
    std::string message = "To: a";
    for (int i = 0; i < 21'000; ++i) {
        message += "\r\n ";
    }
    std::string words = "Subject: ";
    for (int i = 0; i < 30'000; ++i) {
        words += "=?";
    }
    message += "\r\n" + words + "\r\n\r\n";
    const auto body = headerBody(message, "To");
    REQUIRE(body);
    CHECK(*body == "a");
    CHECK(readableText(headerBody(message, "Subject").value_or("")).size() == 1003);
}
