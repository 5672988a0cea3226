// What dialogues cannot show of a POP3 session: what may be logged, slices of long listings, that
// no octet of the client comes back, and that it holds under any input.
#include "pop3/session.h"

#include <algorithm>
#include <random>
#include <string>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "gateway/base/text.h"

using namespace std::string_view_literals;
using pop3::Entry;
using pop3::Reply;
using pop3::Session;
using pop3::Then;

namespace {

constexpr std::string_view kMailbox = "mbx-0123456789abcdef0123456789abcdef";

const pop3::Options& options() {
    static const pop3::Options kOptions = [] {
        pop3::Options made;
        made.hostname = "msgw1.example.com";
        made.domain = "msgw.example.com";
        return made;
    }();
    return kOptions;
}

std::vector<Entry> entries(std::size_t count) {
    std::vector<Entry> made;
    for (std::size_t i = 0; i < count; ++i) {
        made.emplace_back(gateway::MessageId::generate(), 75000);
    }
    return made;
}

/// Logs in to a maildrop of `count` messages.
void logIn(Session& session, std::size_t count) {
    session.onTls();
    session.onCommand("USER " + std::string(kMailbox));
    REQUIRE(session.onCommand("PASS secret").then == Then::Unlock);
    session.takeLogin();
    session.onUnlocked(entries(count));
}

std::string allOfListing(Session& session, std::size_t& slices) {
    std::string text;
    bool more = true;
    for (slices = 0; more; ++slices) {
        more = session.nextListing(text);
    }
    return text;
}

/// Lines that lead somewhere, mixed with lines of nothing.
std::string randomLine(std::mt19937& random) {
    static const std::vector<std::string> kWords{"USER",
                                                 "PASS",
                                                 "AUTH",
                                                 "PLAIN",
                                                 "STLS",
                                                 "CAPA",
                                                 "QUIT",
                                                 "STAT",
                                                 "LIST",
                                                 "UIDL",
                                                 "RETR",
                                                 "TOP",
                                                 "DELE",
                                                 "RSET",
                                                 "NOOP",
                                                 "UTF8",
                                                 "*",
                                                 "=",
                                                 "0",
                                                 "1",
                                                 "3",
                                                 "99999",
                                                 "AGEAYg==",
                                                 std::string(kMailbox),
                                                 std::string("\0", 1),
                                                 "\xFF",
                                                 " ",
                                                 "\r",
                                                 "",
                                                 "LAST"};
    std::string line;
    for (std::size_t words = 1 + random() % 3; words > 0; --words) {
        line += (line.empty() ? "" : " ") + kWords[random() % kWords.size()];
    }
    return line;
}

/// Does what `reply` asks for, as a world of three messages in which the password is "1".
Reply carryOut(Session& session, const Reply& reply) {
    if (reply.then == Then::Unlock) {
        const pop3::Login login = session.takeLogin();
        return login.mailbox && login.password.view() == "1"
                   ? session.onUnlocked(entries(3))
                   : session.onLoginRefused(pop3::LoginRefusal::WrongPassword);
    }
    if (reply.then == Then::SendMessage) {
        REQUIRE(session.requested().index < 3);
        return session.onMessageOpened();
    }
    if (reply.then == Then::Remove) {
        return session.onRemoved();
    }
    if (reply.then == Then::StartTls) {
        session.onTls();
    }
    if (reply.then == Then::SendListing) {
        std::size_t slices = 0;
        CHECK(allOfListing(session, slices).ends_with(".\r\n"));
    }
    return reply;
}

}  // namespace

TEST_CASE("a log shows no password, whatever form it comes in") {
    Session session(options());
    CHECK(session.loggable("PASS secret") == "PASS [not logged]");
    CHECK(session.loggable("pass secret") == "PASS [not logged]");
    CHECK(session.loggable("PASS  secret") == "PASS [not logged]");
    CHECK(session.loggable("AUTH PLAIN c2VjcmV0") == "AUTH [not logged]");
    CHECK(session.loggable("APOP name secret") == "APOP [not logged]");
    CHECK(session.loggable(" PASS secret") == "[unknown command, 12 octets]");
    CHECK(session.loggable("PASS\tsecret") == "[unknown command, 11 octets]");
    CHECK(session.loggable("c2VjcmV0") == "[unknown command, 8 octets]");
    CHECK(session.loggable("USER mbx-1") == "USER mbx-1");
    CHECK(session.loggable("STAT") == "STAT");
    CHECK(session.loggable("PASS") == "PASS");

    session.onTls();
    CHECK(session.onCommand("AUTH PLAIN").text == "+ \r\n");
    CHECK(session.loggable("c2VjcmV0") == "[not logged]");
    CHECK(session.loggable("STAT") == "[not logged]");
}

TEST_CASE("a login carries the mailbox in lower case and every octet of the password") {
    Session session(options());
    session.onTls();
    CHECK(session.secured());
    session.onCommand("USER MBX-0123456789ABCDEF0123456789ABCDEF@MSGW.example.com");
    const Reply reply = session.onCommand("PASS a\0b\xFF "sv);
    CHECK(reply.then == Then::Unlock);
    CHECK(reply.text.empty());
    const pop3::Login login = session.takeLogin();
    REQUIRE(login.mailbox);
    CHECK(login.mailbox->str() == kMailbox);
    CHECK(login.password.view() == "a\0b\xFF "sv);
    CHECK_THROWS_AS(session.takeLogin(), gateway::Error);
    CHECK_THROWS_AS(session.onCommand("NOOP"), gateway::Error);
}

TEST_CASE("a name and a login that waits are forgotten when TLS begins") {
    Session session(options());
    session.onTls();
    session.onCommand("USER " + std::string(kMailbox));
    session.onCommand("PASS secret");
    session.onTls();
    CHECK_THROWS_AS(session.takeLogin(), gateway::Error);
    session.onCommand("USER " + std::string(kMailbox));
    session.onTls();
    CHECK(session.onCommand("PASS secret").text.starts_with("-ERR Give the mailbox first"));
}

TEST_CASE("a long listing comes in slices, complete, with one dot") {
    Session session(options());
    logIn(session, 100'000);
    CHECK(session.onCommand("STAT").text == "+OK 100000 7500000000\r\n");
    for (const char* command : {"LIST", "UIDL"}) {
        CAPTURE(command);
        session.onCommand("DELE 1000");
        session.onCommand("DELE 100000");
        CHECK(session.onCommand(command).then == Then::SendListing);
        std::size_t slices = 0;
        const std::string text = allOfListing(session, slices);
        CHECK(slices == 100);
        CHECK(std::count(text.begin(), text.end(), '\n') == 99'999);
        CHECK(text.starts_with("1 "));
        CHECK(text.find("\r\n1000 ") == std::string::npos);
        CHECK(text.find("\r\n1001 ") != std::string::npos);
        CHECK(text.find("\r\n99999 ") != std::string::npos);
        CHECK(text.ends_with("\r\n.\r\n"));
        std::string more;
        CHECK_FALSE(session.nextListing(more));
        CHECK(more.empty());
    }
}

TEST_CASE("the marked messages are given in order, and none is possible") {
    Session session(options());
    logIn(session, 5);
    session.onCommand("DELE 4");
    session.onCommand("DELE 2");
    CHECK(session.onCommand("QUIT").then == Then::Remove);
    CHECK(session.marked() == std::vector<std::size_t>{1, 3});

    Session reader(options());
    logIn(reader, 5);
    CHECK(reader.onCommand("QUIT").then == Then::Remove);
    CHECK(reader.marked().empty());
}

TEST_CASE("RETR and TOP say which message and how much of it") {
    Session session(options());
    logIn(session, 5);
    CHECK(session.onCommand("TOP 4 7").then == Then::SendMessage);
    CHECK(session.requested().index == 3);
    CHECK(session.requested().lines == 7);
    CHECK(session.onCommand("RETR 2").then == Then::SendMessage);
    CHECK(session.requested().index == 1);
    CHECK_FALSE(session.requested().lines);
}

TEST_CASE("no input breaks a session, comes back, or keeps it from ending") {
    std::mt19937 random(5034);
    for (int round = 0; round < 3000; ++round) {
        Session session(options());
        Then last = Then::ReadCommand;
        if (round % 2 == 0) {
            logIn(session, 3);
        }
        for (int lines = 0; lines < 200 && last != Then::Close; ++lines) {
            const std::string line = lines % 5 == 4 ? "" : randomLine(random);
            CAPTURE(gateway::printable(line));
            REQUIRE(session.loggable(line).size() < 100);
            const Reply reply = carryOut(session, session.onCommand(line));
            last = reply.then;
            REQUIRE(reply.text.ends_with("\r\n"));
            REQUIRE((reply.text[0] == '+' || reply.text.starts_with("-ERR ")));
            REQUIRE(reply.text.find('\xFF') == std::string::npos);
            REQUIRE(reply.text.find("mbx-0") == std::string::npos);
        }
        REQUIRE(last == Then::Close);  // every fifth line is a bad command
    }
}
