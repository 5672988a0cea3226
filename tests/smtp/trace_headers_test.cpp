// The trace headers, octet by octet.
#include "smtp/trace_headers.h"

#include <chrono>

#include <doctest/doctest.h>

#include "tests/smtp/scripted_server.h"

namespace {

using namespace smtp;

const std::string kMailbox = "mbx-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A session that got its recipients, ready to write headers.
class TraceFixture {
public:
    TraceFixture() {
        options.hostname = "msgw1.example.com";
        options.domain = "MSGW.example.com";
    }

    std::string headers(std::size_t copy = 0) const {
        const auto id = test::messageIdOf("01980000-0000-7000-8000-000000000001");
        const gateway::WallTime now{std::chrono::seconds(1795341600)};
        return traceHeaders(session, options, peer, session.envelope().to.at(copy), id, now);
    }

    void say(const std::string& line) {
        CAPTURE(line);
        REQUIRE(session.onCommand(line).code == 250);
    }

    std::string peer = "192.0.2.25";
    Options options;
    test::ScriptedHouse house;
    Session session{options, house, peer};
};

}  // namespace

TEST_CASE_FIXTURE(TraceFixture, "one recipient, under TLS") {
    session.onTls({"TLSv1.3", "TLS_AES_256_GCM_SHA384"});
    say("EHLO mail-am6eur05on2060.outbound.protection.outlook.com");
    say("MAIL FROM:<journal.ndr@tenant.onmicrosoft.com>");
    say("RCPT TO:<" + kMailbox + "@msgw.example.com>");
    CHECK(headers() ==
          "Return-Path: <journal.ndr@tenant.onmicrosoft.com>\r\n"
          "Delivered-To: mbx-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@msgw.example.com\r\n"
          "Received: from mail-am6eur05on2060.outbound.protection.outlook.com\r\n"
          " ([192.0.2.25]) by msgw1.example.com with ESMTPS\r\n"
          " (TLSv1.3 TLS_AES_256_GCM_SHA384) id 01980000-0000-7000-8000-000000000001\r\n"
          " for <mbx-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@msgw.example.com>;\r\n"
          " Sun, 22 Nov 2026 10:00:00 +0000\r\n");
}

TEST_CASE_FIXTURE(TraceFixture, "two recipients do not learn of each other, RFC 5321 7.2") {
    peer = "2001:db8::25";
    say("HELO sender.example");
    say("MAIL FROM:<>");
    say("RCPT TO:<" + kMailbox + "@msgw.example.com>");
    say("RCPT TO:<" + test::mailboxOf('b').str() + "@msgw.example.com>");
    const std::string first = headers(0);
    CHECK(first.starts_with("Return-Path: <>\r\nDelivered-To: mbx-aaaaaaaa"));
    CHECK(first.find(test::mailboxOf('b').str()) == std::string::npos);
    CHECK(headers(1).find("mbx-bbbbbbbb") != std::string::npos);
    CHECK(headers(1).find("mbx-aaaaaaaa") == std::string::npos);
    CHECK(first.substr(first.find("Received:")) ==
          "Received: from sender.example ([IPv6:2001:db8::25]) by msgw1.example.com\r\n"
          " with SMTP id 01980000-0000-7000-8000-000000000001;\r\n"
          " Sun, 22 Nov 2026 10:00:00 +0000\r\n");
}

TEST_CASE_FIXTURE(TraceFixture, "names of the protocol, RFC 3848, RFC 6531 4.3") {
    CHECK(session.protocolName() == "SMTP");
    say("HELO x");
    CHECK(session.protocolName() == "SMTP");
    say("EHLO x");
    CHECK(session.protocolName() == "ESMTP");
    say("HELO x");
    CHECK(session.protocolName() == "SMTP");
    say("EHLO x");
    say("MAIL FROM:<> SMTPUTF8");
    CHECK(session.protocolName() == "UTF8SMTP");
    session.onTls({"TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"});
    say("EHLO x");
    CHECK(session.protocolName() == "ESMTPS");
    say("MAIL FROM:<> SMTPUTF8");
    CHECK(session.protocolName() == "UTF8SMTPS");
}

TEST_CASE_FIXTURE(TraceFixture, "no peer breaks a line or exceeds 998 octets, RFC 5321 4.4") {
    say("EHLO evil) by trusted.example;\xC3\xBC\"(" + std::string(2000, 'x'));
    CHECK(session.clientName().starts_with("evil??by?trusted.example????"));
    CHECK(session.clientName().size() == 255);
    say("MAIL FROM:<\"a>b c\"@" + std::string(60, 'd') + "." + std::string(60, 'd') + ">");
    say("RCPT TO:<" + kMailbox + "@msgw.example.com>");
    std::string text = headers();
    CHECK(text.starts_with("Return-Path: <\"a>b c\"@ddd"));
    while (!text.empty()) {
        const std::size_t end = text.find("\r\n");
        REQUIRE(end != std::string::npos);
        CHECK(end <= 998);
        CHECK(text.substr(0, end).find_first_of("\r\n") == std::string::npos);
        text.erase(0, end + 2);
    }
}
