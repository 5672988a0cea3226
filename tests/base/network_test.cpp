// Networks in CIDR notation: what lies in them, and what is refused with which words.
#include "gateway/base/network.h"

#include <doctest/doctest.h>

using gateway::Network;

namespace {

Network network(std::string_view text) {
    std::string why;
    const auto parsed = Network::parse(text, why);
    REQUIRE_MESSAGE(parsed, why);
    return *parsed;
}

std::string refusalOf(std::string_view text) {
    std::string why;
    CHECK_FALSE(Network::parse(text, why));
    return why;
}

}  // namespace

TEST_CASE("an IPv4 network ends where its mask says") {
    const Network net = network("40.92.0.0/15");
    CHECK(net.contains("40.92.0.0"));
    CHECK(net.contains("40.93.255.255"));
    CHECK_FALSE(net.contains("40.94.0.0"));
    CHECK_FALSE(net.contains("40.91.255.255"));
    CHECK(net.contains("::ffff:40.93.1.1"));  // RFC 4291 2.5.5.2
    CHECK(net.str() == "40.92.0.0/15");
}

TEST_CASE("an IPv6 network ends where its mask says, also within an octet") {
    const Network net = network("2a01:111:f400::/47");
    CHECK(net.contains("2a01:111:f401:ffff::1"));
    CHECK_FALSE(net.contains("2a01:111:f402::1"));
    CHECK_FALSE(net.contains("40.92.0.0"));
    CHECK(network("fe80::/10").contains("fe80::1%eth0"));
}

TEST_CASE("an address alone is a network of one") {
    CHECK(network("192.0.2.7").contains("192.0.2.7"));
    CHECK_FALSE(network("192.0.2.7").contains("192.0.2.6"));
    CHECK(network("2001:db8::1").contains("2001:db8:0:0::1"));
    CHECK_FALSE(network("2001:db8::1").contains("2001:db8::2"));
}

TEST_CASE("the whole of a family") {
    CHECK(network("0.0.0.0/0").contains("203.0.113.9"));
    CHECK_FALSE(network("0.0.0.0/0").contains("2001:db8::1"));
    CHECK(network("::/0").contains("2001:db8::1"));
    CHECK(network("::/0").contains("203.0.113.9"));
    CHECK_FALSE(network("::/0").contains("nonsense"));
    CHECK_FALSE(network("::/0").contains(""));
}

TEST_CASE("what is no network is refused in words that help") {
    for (const char* text :
         {"", "/", "192.0.2", "192.0.2.0.0/24", "mail.example.com", "192.0.2.0/", "192.0.2.0/33",
          "192.0.2.0/-1", "192.0.2.0/24 ", "2001:db8::/129", "010.0.0.0/8", "192.0.2.0/2a"}) {
        CAPTURE(text);
        CHECK(refusalOf(text) != "");
    }
    CHECK(refusalOf(std::string_view("192.0.2.0\0/24", 13)) != "");
    CHECK(refusalOf("192.0.2.5/24") ==
          "\"192.0.2.5/24\" is an address within a network; write the network's first address, or "
          "the address without a slash");
    CHECK(refusalOf("192.0.2.0/33") ==
          "\"192.0.2.0/33\": behind the slash stands a number from 0 to 32");
}
