// The grammar, form by form.
#include "smtp/command_parser.h"

#include <doctest/doctest.h>

using namespace smtp;

namespace {

/// "verb|argument", or "malformed".
std::string fell(std::string_view line) {
    const auto parts = parseCommandLine(line);
    return parts ? std::string(parts->verb) + "|" + std::string(parts->argument) : "malformed";
}

/// What a path means: "text|local part|domain", or "malformed".
std::string pathOf(std::string_view path) {
    const auto address = parseAddress(path);
    return address ? address->text + "|" + address->localPart + "|" + address->domain : "malformed";
}

/// "path|parameters" of an argument of MAIL, or "malformed".
std::string cut(std::string_view argument) {
    const auto result = parsePathArgument(argument, "FROM:");
    return result ? std::string(result->path) + "|" + std::string(result->parameters) : "malformed";
}

MailParameters::Fault faultOf(std::string_view text) { return parseMailParameters(text).fault; }

/// "octets", "octets LAST", "octets malformed", or "unknown".
std::string chunkOf(std::string_view argument) {
    const auto chunk = parseChunk(argument);
    return chunk ? std::to_string(chunk->octets) + (chunk->last ? " LAST" : "") +
                       (chunk->malformedEnd ? " malformed" : "")
                 : "unknown";
}

}  // namespace

TEST_CASE("a command line falls into verb and argument") {
    CHECK(fell("MAIL  FROM:<a@b>  SIZE=1 \t ") == "MAIL|FROM:<a@b>  SIZE=1");
    CHECK(fell("") == "|");
    CHECK(fell("NOOP \\\"é") == "NOOP|\\\"é");
}

TEST_CASE("control characters and bytes that are no UTF-8 make no command, RFC 5321 4.1.2") {
    for (const std::string_view line :
         {std::string_view("NOOP\0", 5), std::string_view("RCPT TO:<a\0@b>", 14),
          std::string_view("NO\rOP"), std::string_view("NO\nOP"), std::string_view("NOOP\x7F"),
          std::string_view("NOOP \x1B[2J"), std::string_view("NOOP a\tb"),
          std::string_view("NOOP \xFC"), std::string_view("NOOP \xC0\xAF"),
          std::string_view("NOOP \xED\xA0\x80"), std::string_view("NOOP \xC2\x85")}) {
        CHECK_FALSE(parseCommandLine(line));
    }
}

TEST_CASE("the path is found behind FROM: whatever it holds") {
    CHECK(cut("FROM:<a@b>") == "a@b|");
    CHECK(cut("from: <a@b>") == "a@b|");
    CHECK(cut("FROM:<>") == "|");
    CHECK(cut("FROM:<a@b> SIZE=1  BODY=7BIT") == "a@b|SIZE=1  BODY=7BIT");
    CHECK(cut("FROM:<\"a>b\\\"c\"@d> X=1") == "\"a>b\\\"c\"@d|X=1");
    for (const std::string_view bad : {"", "FROM", "FROM:", "FROM:a@b", "TO:<a@b>", "FROM:<a@b",
                                       "FROM:<a@b>x", "FROM:<\"a@b>", "FROM <a@b>"}) {
        CHECK(cut(bad) == "malformed");
    }
}

TEST_CASE("addresses, RFC 5321 4.1.2") {
    CHECK(pathOf("") == "||");
    CHECK(pathOf("a.b+c@Example.COM") == "a.b+c@Example.COM|a.b+c|example.com");
    CHECK(pathOf("postmaster") == "postmaster|postmaster|");
    CHECK(pathOf("\"a b\\@\\\"c\"@d") == "\"a b\\@\\\"c\"@d|a b@\"c|d");
    CHECK(pathOf("\"\"@d") == "\"\"@d||d");
    CHECK(pathOf("\"mbx\"@d") == "\"mbx\"@d|mbx|d");
    CHECK(pathOf("müller@bücher.example") == "müller@bücher.example|müller|bücher.example");
    CHECK(pathOf("a@[192.0.2.1]") == "a@[192.0.2.1]|a|[192.0.2.1]");
    CHECK(pathOf("a@[IPv6:2001:db8::1]") == "a@[IPv6:2001:db8::1]|a|[ipv6:2001:db8::1]");
    CHECK(pathOf("a@[x-tag:any.thing]") == "a@[x-tag:any.thing]|a|[x-tag:any.thing]");
}

TEST_CASE("addresses no grammar has but senders use") {
    CHECK(pathOf("a..b.@d") == "a..b.@d|a..b.|d");
    CHECK(pathOf(".a@d") == ".a@d|.a|d");
    CHECK(pathOf("root@my_host") == "root@my_host|root|my_host");
}

TEST_CASE("source routes are ignored, RFC 5321 appendix C") {
    CHECK(pathOf("@one:a@b") == "a@b|a|b");
    CHECK(pathOf("@one,@two.example:a@b") == "a@b|a|b");
    for (const std::string_view bad : {"@one", "@one:", "@:a@b", "@one,:a@b", "@one,two:a@b",
                                       "@one:@two:a@b", "@one,@two", "@a b:c@d"}) {
        CHECK_MESSAGE(pathOf(bad) == "malformed", bad);
    }
}

TEST_CASE("malformed addresses") {
    for (const std::string_view bad : {"@",
                                       "a@",
                                       "a b@c",
                                       "a@b@c",
                                       "a@b c",
                                       "a@.b",
                                       "a@b.",
                                       "a@b..c",
                                       "a@b,c",
                                       "<a@b>",
                                       "a@[192.0.2]",
                                       "a@[192.0.2.256]",
                                       "a@[192.0.2.1.1]",
                                       "a@[]",
                                       "a@[IPv6:]",
                                       "a@[:1]",
                                       "a@[1.2.3.4",
                                       "a@[a[b]",
                                       "a@[a\\b]",
                                       "a@[1..2.3]",
                                       "\"a\"b@c",
                                       "\"a@c",
                                       "a,b@c",
                                       "a@b;c",
                                       "a:b@c",
                                       "(a)@b",
                                       "a\\b@c"}) {
        CHECK_MESSAGE(pathOf(bad) == "malformed", bad);
    }
}

TEST_CASE("lengths, RFC 5321 4.5.3.1") {
    const std::string local(64, 'l');
    const std::string label(63, 'd');
    const std::string domain = label + "." + label + "." + label;  // 191 octets
    CHECK(parseAddress(local + "@" + label));
    CHECK_FALSE(parseAddress(local + "@" + label + "d"));
    CHECK(parseAddress(std::string(254 - 192, 'l') + "@" + domain));
    CHECK_FALSE(parseAddress(std::string(254 - 191, 'l') + "@" + domain));
    CHECK(parseAddress(std::string(200, 'l') + "@d"));
}

TEST_CASE("parameters of MAIL") {
    using Fault = MailParameters::Fault;
    const auto all = parseMailParameters("SIZE=123  body=8bitmime SMTPUTF8 AUTH=<>");
    CHECK(all.fault == Fault::None);
    CHECK(all.size == 123);
    CHECK(all.utf8);
    CHECK(faultOf("") == Fault::None);
    CHECK(faultOf("BODY=7BIT") == Fault::None);
    CHECK(faultOf("AUTH=e+3Dmc2@example.com") == Fault::None);
    CHECK(parseMailParameters("SIZE=18446744073709551615").size == UINT64_MAX);
    CHECK(faultOf("SIZE=18446744073709551616") == Fault::Oversized);
    CHECK(faultOf("SIZE=99999999999999999999") == Fault::Oversized);
    for (const std::string_view bad :
         {"SIZE", "SIZE=", "SIZE=-1", "SIZE=1k", "SIZE=0x10", "SIZE=000000000000000000001",
          "SIZE=1 SIZE=1", "SIZE=1=1", "=1", "-A=1", "SMTPUTF8=1", "BODY", "BODY=9BIT", "AUTH",
          "A?=1", "SIZE=1 size=2"}) {
        CHECK_MESSAGE(faultOf(bad) == Fault::Malformed, bad);
    }
    for (const std::string_view other : {"BODY=BINARYMIME", "RET=HDRS", "ENVID=x", "XOORG=x",
                                         "MT-PRIORITY=3", "REQUIRETLS", "HOLDFOR=1"}) {
        CHECK_MESSAGE(faultOf(other) == Fault::NotOffered, other);
    }
    CHECK(parseMailParameters("SIZE=1 RET=HDRS").keyword == "RET");
}

TEST_CASE("chunk sizes, RFC 3030 2") {
    CHECK(chunkOf("0") == "0");
    CHECK(chunkOf("86 last") == "86 LAST");
    CHECK(chunkOf("0 LAST") == "0 LAST");
    CHECK(chunkOf("5 FIRST") == "5 malformed");
    CHECK(chunkOf("5 LAST 6") == "5 malformed");
    CHECK(chunkOf("9223372036854775807") == "9223372036854775807");
    for (const std::string_view bad :
         {"", "LAST", "-1", "+1", "0x5", "5k", "1.0", "9223372036854775808", "18446744073709551616",
          "99999999999999999999999999"}) {
        CHECK_MESSAGE(chunkOf(bad) == "unknown", bad);
    }
}
