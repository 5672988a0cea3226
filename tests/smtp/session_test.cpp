// What dialogues cannot show: effects the world reads from a Reply, and nonsense without end.
#include "smtp/session.h"

#include <array>
#include <random>

#include <doctest/doctest.h>

#include "tests/smtp/scripted_server.h"

namespace {

using namespace smtp;

class SessionFixture {
public:
    SessionFixture() {
        options.hostname = "msgw1.example.com";
        options.domain = "msgw.example.com";
        options.maxMessageSize = 100;
    }

    void begin(char mailbox = 'a') {
        REQUIRE(session.onCommand("EHLO sender.example").code == 250);
        REQUIRE(session.onCommand("MAIL FROM:<s@sender.example>").code == 250);
        REQUIRE(
            session.onCommand("RCPT TO:<" + test::mailboxOf(mailbox).str() + "@msgw.example.com>")
                .code == 250);
    }

    const gateway::MessageId id = gateway::MessageId::generate();
    Options options;
    test::ScriptedHouse house;
    Session session{options, house, "192.0.2.25"};
};

}  // namespace

TEST_CASE_FIXTURE(SessionFixture, "a reply says what the world does next") {
    CHECK(session.greet().then == Then::ReadCommand);
    CHECK(session.onCommand("STARTTLS").then == Then::StartTls);
    begin();
    CHECK(session.onCommand("DATA").then == Then::ReadData);
    CHECK(session.onStored(id).wire() == "250 2.0.0 " + id.str() + " stored\r\n");
    CHECK(session.envelope().to.empty());
    CHECK(session.onCommand("QUIT").then == Then::Close);
}

TEST_CASE_FIXTURE(SessionFixture, "BDAT tells how many octets, and whether it is the last") {
    begin();
    CHECK_FALSE(session.receivesChunks());
    Reply reply = session.onCommand("BDAT 60");
    CHECK(reply.then == Then::ReadChunk);
    CHECK(reply.octets == 60);
    CHECK_FALSE(reply.last);
    CHECK(session.receivesChunks());
    CHECK(session.onChunk(60).wire() == "250 2.0.0 60 octets received\r\n");
    reply = session.onCommand("BDAT 40 LAST");
    CHECK(reply.then == Then::ReadChunk);
    CHECK(reply.last);
    session.onStored(id);
    CHECK_FALSE(session.receivesChunks());
    reply = session.onCommand("BDAT 7 LAST");
    CHECK(reply.then == Then::SkipChunk);
    CHECK(reply.octets == 7);
    CHECK(reply.code == 503);
}

TEST_CASE_FIXTURE(SessionFixture, "the handshake forgets the client's name, RFC 3207 4.2") {
    session.onCommand("EHLO sender.example");
    CHECK(session.clientName() == "sender.example");
    session.onTls(TlsInfo("TLSv1.3", "X"));
    CHECK(session.clientName() == "unknown");
}

TEST_CASE_FIXTURE(SessionFixture, "the total of the chunks is judged without wrapping") {
    begin();
    session.onCommand("BDAT 100");
    CHECK(session.onCommand("BDAT 9223372036854775807").code == 552);
    CHECK_FALSE(session.receivesChunks());
    begin();
    CHECK(session.onCommand("BDAT 101").then == Then::SkipChunk);
    begin();
    CHECK(session.onCommand("BDAT 9223372036854775808").then == Then::Close);
}

TEST_CASE_FIXTURE(SessionFixture, "each command that ends a message by chunks says so") {
    for (const std::string_view command : {"RSET", "EHLO x", "HELO x", "QUIT", "BDAT 101"}) {
        begin();
        session.onCommand("BDAT 1");
        REQUIRE(session.receivesChunks());
        session.onCommand(command);
        CHECK_FALSE(session.receivesChunks());
    }
    begin();
    session.onCommand("BDAT 1");
    session.onRefused(Refusal::DiskFull);
    CHECK_FALSE(session.receivesChunks());
}

TEST_CASE_FIXTURE(SessionFixture, "the envelope has each mailbox once, in lower case") {
    begin();
    session.onCommand("RCPT TO:<MBX-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@MSGW.EXAMPLE.COM>");
    session.onCommand("RCPT TO:<" + test::mailboxOf('b').str() + "@msgw.example.com>");
    const Envelope& envelope = session.envelope();
    CHECK(envelope.reversePath == "s@sender.example");
    REQUIRE(envelope.to.size() == 2);
    CHECK(envelope.to[0].address == test::mailboxOf('a').str() + "@msgw.example.com");
    CHECK(envelope.to[1].drop.mailbox == test::mailboxOf('b'));
}

TEST_CASE_FIXTURE(SessionFixture, "ten thousand recipients: a hundred, then 452") {
    house.allKnown = true;
    begin();
    std::array<int, 2> counts{};
    for (int i = 0; i < 10000; ++i) {
        const std::string digits = std::to_string(i);
        const Reply reply = session.onCommand(
            "RCPT TO:<mbx-" + std::string(32 - digits.size(), 'f') + digits + "@msgw.example.com>");
        ++counts.at(reply.code == 250 ? 0 : 1);
        REQUIRE((reply.code == 250 || reply.wire().starts_with("452 4.5.3 ")));
    }
    CHECK(counts[0] == 99);
    CHECK(session.envelope().to.size() == 100);
}

TEST_CASE_FIXTURE(SessionFixture, "random commands never leave the protocol") {
    static constexpr std::array<std::string_view, 26> kWords{
        "EHLO x",
        "HELO x",
        "EHLO",
        "MAIL FROM:<>",
        "MAIL FROM:<a@b> SIZE=101",
        "MAIL FROM:<a@b> SIZE=5 SMTPUTF8",
        "RCPT TO:<mbx-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@msgw.example.com>",
        "RCPT TO:<mbx-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb@msgw.example.com>",
        "RCPT TO:<x@y>",
        "RCPT TO:<postmaster>",
        "DATA",
        "DATA x",
        "BDAT 5",
        "BDAT 5 LAST",
        "BDAT 0 LAST",
        "BDAT 200",
        "BDAT 3 X",
        "RSET",
        "NOOP",
        "VRFY x",
        "EXPN x",
        "HELP",
        "STARTTLS",
        "FOO",
        "",
        "\xFF"};
    std::mt19937 random(2026);
    options.maxBadCommands = 1000000;
    for (int round = 0; round < 100000; ++round) {
        const Reply reply = session.onCommand(kWords.at(random() % kWords.size()));
        CHECK((reply.code >= 214 && reply.code <= 555));
        const bool reads = reply.then == Then::ReadData || reply.then == Then::ReadChunk;
        REQUIRE((!reads || !session.envelope().to.empty()));
        REQUIRE((!session.receivesChunks() || !session.envelope().to.empty()));
        if (reply.then == Then::StartTls) {
            session.onTls({"TLSv1.3", "X"});
        } else if (reads && random() % 4 == 0) {
            session.onRefused(Refusal::Trouble);
        } else if (reply.then == Then::ReadData || (reads && reply.last)) {
            session.onStored(id);
        } else if (reads) {
            session.onChunk(reply.octets);
        }
    }
}
