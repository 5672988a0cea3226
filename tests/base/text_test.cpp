// Text work that must not depend on the environment: numbers, sizes, durations, and what is safe to
// show on one line.
#include "gateway/base/text.h"

#include <array>
#include <clocale>

#include <doctest/doctest.h>

using namespace gateway;

TEST_CASE("case is that of ASCII") {
    CHECK(lowered("ABCxyz-Ä0") == "abcxyz-Ä0");
    CHECK(equalsIgnoringCase("MAIL From", "mail FROM"));
    CHECK_FALSE(equalsIgnoringCase("mail", "mails"));
    CHECK_FALSE(equalsIgnoringCase("K", "\xE2\x84\xAA"));  // the Kelvin sign
}

TEST_CASE("trimmed takes blanks and line ends off both ends only") {
    CHECK(trimmed(" \t a b\r\n") == "a b");
    CHECK(trimmed(" \r\n").empty());
}

TEST_CASE("hex has two lower-case digits an octet") {
    constexpr std::array<std::byte, 3> kOctets{std::byte{0}, std::byte{0x7F}, std::byte{0xFE}};
    CHECK(hexOf(kOctets) == "007ffe");
    CHECK(hexDigit('0') == 0);
    CHECK(hexDigit('9') == 9);
    CHECK(hexDigit('a') == 10);
    CHECK(hexDigit('F') == 15);
    for (const char none : {'g', 'G', '/', ':', '@', '`', ' ', '\0', '\xff'}) {
        CHECK(hexDigit(none) == -1);
    }
    CHECK(textOf(octetsOf("a\0b")) == std::string_view("a"));
}

TEST_CASE("a decimal is digits only and fits 64 bits") {
    CHECK(parseDecimal("0") == 0U);
    CHECK(parseDecimal("18446744073709551615") == 18446744073709551615ULL);
    for (const char* wrong : {"", "-1", "+1", " 1", "1 ", "0x1", "1.0", "18446744073709551616"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parseDecimal(wrong));
    }
}

TEST_CASE("sizes and durations take their units and refuse overflow") {
    CHECK(parseSize("512") == 512U);
    CHECK(parseSize("64 KiB") == 65'536U);
    CHECK(parseSize("200MiB") == 200ULL << 20U);
    CHECK(parseSize("1GiB") == 1ULL << 30U);
    for (const char* wrong : {"", "MiB", "1MB", "1 mib", "-1MiB", "1.5GiB", "99999999999TiB"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parseSize(wrong));
    }
    CHECK(parseDuration("0s") == std::chrono::seconds(0));
    CHECK(parseDuration("10m") == std::chrono::minutes(10));
    CHECK(parseDuration("14d") == std::chrono::days(14));
    for (const char* wrong : {"", "10", "h", "1w", "-1s", "999999999999d"}) {
        CAPTURE(wrong);
        CHECK_FALSE(parseDuration(wrong));
    }
}

TEST_CASE("sizes are said as people read them") {
    CHECK(describeSize(1) == "1 octet");
    CHECK(describeSize(1023) == "1023 octets");
    CHECK(describeSize(1536) == "1.5 KiB");
    CHECK(describeSize(75ULL * 1024) == "75 KiB");
    CHECK(describeSize(1ULL << 30U) == "1 GiB");
    CHECK(describeSize(~0ULL) == "16777215 TiB");
}

TEST_CASE("printable leaves nothing that moves a cursor or breaks UTF-8") {
    CHECK(printable("plain Ünïcode €") == "plain Ünïcode €");
    CHECK(printable("a\r\nb\x1b[2J") == "a\\x0d\\x0ab\\x1b[2J");
    CHECK(printable("a\\x0d") == "a\\\\x0d");  // a typed escape is told from a real one
    CHECK(printable("\xC2\x85\xE2\x80\xA8") == "\\xc2\\x85\\xe2\\x80\\xa8");
    CHECK(printable("\xFF\xC0\xAF\xED\xA0\x80") == "\\xff\\xc0\\xaf\\xed\\xa0\\x80");
    CHECK(printable(std::string_view("\0x", 2)) == "\\x00x");
    CHECK(printable("abcdef", 3) == "abc…");
    CHECK(printable("abc", 3) == "abc");
}
