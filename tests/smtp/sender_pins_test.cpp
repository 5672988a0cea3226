// Pins against senders, and the reader of a message's own header.
#include "smtp/sender_pins.h"

#include <doctest/doctest.h>

using namespace smtp;
using gateway::Allow;

namespace {

OuterHeader headerOf(std::string_view message, std::size_t piece = std::string_view::npos) {
    OuterHeader header;
    while (!message.empty()) {
        header.push(message.substr(0, piece));
        message.remove_prefix(std::min(piece, message.size()));
    }
    header.finish();
    return header;
}

Allow allow(const nlohmann::json& fields) {
    std::string why;
    const auto parsed = Allow::parse(fields, why);
    REQUIRE_MESSAGE(parsed, why);
    return *parsed;
}

TlsInfo tlsWith(std::vector<std::string> names) {
    TlsInfo tls;
    tls.version = "TLSv1.3";
    tls.certificateNames = std::move(names);
    return tls;
}

}  // namespace

TEST_CASE("the header reads the same in any pieces") {
    const std::string message =
        "Received: from x\r\n\tby y\r\nX-OriginatorOrg:\r\n Contoso.example \r\n"
        "X-MS-Journal-Report: \r\nSubject: s\r\n\r\nX-OriginatorOrg: body.example\r\n";
    for (std::size_t piece = 1; piece <= message.size(); ++piece) {
        const OuterHeader header = headerOf(message, piece);
        CHECK(header.journalReport());
        CHECK(header.originatorOrgs() == 1);
        CHECK(header.originatorOrg() == "Contoso.example");
    }
}

TEST_CASE("what is no header field counts for none") {
    CHECK_FALSE(headerOf("X-MS-Journal-Report\r\n\r\n").journalReport());
    CHECK_FALSE(headerOf("\r\nX-MS-Journal-Report:\r\n").journalReport());
    CHECK_FALSE(headerOf("Subject: a\r\n X-MS-Journal-Report:\r\n\r\n").journalReport());
    CHECK_FALSE(headerOf("Subject: a\rX-MS-Journal-Report:\r\n\r\n").journalReport());
    CHECK_FALSE(headerOf("").journalReport());
}

TEST_CASE("a message may end within its header") {
    CHECK(headerOf("X-MS-Journal-Report:").journalReport());
    CHECK(headerOf("X-MS-Journal-Report:\r\n").journalReport());
}

TEST_CASE("a huge field costs no memory, and hides none behind it") {
    const std::string huge = "X-Big: " + std::string(1'000'000, 'x') + "\r\n";
    const OuterHeader header =
        headerOf(huge + "X-OriginatorOrg: a.example\r\n" + huge + "\r\n", 4096);
    CHECK(header.originatorOrg() == "a.example");
    std::string folded = "X-OriginatorOrg: a.example\r\n";
    for (int i = 0; i < 10'000; ++i) {
        folded += " and more\r\n";
    }
    CHECK(headerOf(folded + "\r\n").originatorOrg().size() <= 1024);
}

TEST_CASE("a certificate's name covers a pin by RFC 9525 6.3") {
    const Allow pinned =
        allow({{"tls", "certificate"}, {"certificate_names", {"mail.example.com"}}});
    std::string seen;
    const auto misses = [&](std::vector<std::string> names) {
        return missedPin(pinned, "192.0.2.1", tlsWith(std::move(names)), seen).has_value();
    };
    CHECK_FALSE(misses({"other.example", "MAIL.example.com"}));
    CHECK_FALSE(misses({"*.example.com"}));
    CHECK(misses({"*.com"}));
    CHECK(misses({"*.mail.example.com"}));
    CHECK(misses({"*"}));
    CHECK(misses({"*."}));
    CHECK(misses({""}));
    CHECK(misses({std::string("mail.example.com\0.evil.example", 30)}));
    CHECK(seen.find('\0') == std::string::npos);
    CHECK(misses({}));
}

TEST_CASE("a pin is missed in the order network, TLS, certificate") {
    const Allow all = allow({{"networks", {"198.51.100.0/24"}},
                             {"tls", "certificate"},
                             {"certificate_names", {"mail.example.com"}}});
    std::string seen;
    CHECK(missedPin(all, "192.0.2.1", TlsInfo(), seen) == ConnectionPin::Network);
    CHECK(missedPin(all, "198.51.100.9", TlsInfo(), seen) == ConnectionPin::Tls);
    CHECK(missedPin(all, "198.51.100.9", tlsWith({}), seen) == ConnectionPin::Certificate);
    CHECK_FALSE(missedPin(all, "198.51.100.9", tlsWith({"mail.example.com"}), seen));
}
