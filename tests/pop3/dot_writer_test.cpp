// The way of a stored message onto the wire: the same octets whatever the split, nothing lost,
// nothing added but dots. The oracles here work line by line on the whole message, as the code does
// not.
#include "pop3/dot_writer.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/base/text.h"

using pop3::DotWriter;

namespace {

using Lines = std::optional<std::uint64_t>;

/// Written in pieces that end at `cuts`.
std::string written(std::string_view stored, const std::vector<std::size_t>& cuts,
                    Lines lines = {}) {
    DotWriter writer(lines);
    std::string out;
    std::size_t from = 0;
    bool more = true;
    for (const std::size_t cut : cuts) {
        more = more && writer.push(stored.substr(from, cut - from), out);
        from = cut;
    }
    if (more) {
        writer.push(stored.substr(from), out);
    }
    writer.finish(out);
    return out;
}

std::string written(std::string_view stored, Lines lines = {}) {
    return written(stored, std::vector<std::size_t>(), lines);
}

std::string writtenByOctet(std::string_view stored, Lines lines = {}) {
    std::vector<std::size_t> cuts(stored.size());
    for (std::size_t i = 0; i < cuts.size(); ++i) {
        cuts[i] = i;
    }
    return written(stored, cuts, lines);
}

/// The lines of a message, each with its CRLF; the last may have none.
std::vector<std::string> linesOf(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const std::size_t end = text.find("\r\n");
        const std::size_t length = end == std::string_view::npos ? text.size() : end + 2;
        lines.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    return lines;
}

std::string expected(std::string_view stored, Lines wanted = {}) {
    std::string out;
    bool inBody = false;
    for (const std::string& line : linesOf(stored)) {
        if (inBody && wanted && (*wanted)-- == 0) {
            break;
        }
        out += (line[0] == '.' ? "." : "") + line;
        out += line.ends_with("\r\n") ? "" : "\r\n";
        inBody = inBody || line == "\r\n";
    }
    return out + ".\r\n";
}

/// What a client makes of a response: RFC 1939 section 3.
std::string received(std::string_view wire) {
    std::string message;
    for (const std::string& line : linesOf(wire)) {
        if (line == ".\r\n") {
            return message;
        }
        message += line[0] == '.' ? line.substr(1) : line;
    }
    return "no final dot";
}

std::string randomMessage(std::mt19937& random) {
    constexpr std::string_view kAlphabet("\r\n.a\0", 5);
    std::string message(random() % 24, ' ');
    for (char& octet : message) {
        octet = kAlphabet[random() % kAlphabet.size()];
    }
    // Random octets alone would seldom make a line.
    for (auto at = message.find("aa"); at != std::string::npos; at = message.find("aa")) {
        message.replace(at, 2, "\r\n");
    }
    return message;
}

}  // namespace

TEST_CASE("a dot that begins a line is doubled, and no other") {
    CHECK(written("") == ".\r\n");
    CHECK(written(".") == "..\r\n.\r\n");
    CHECK(written(".\r\n") == "..\r\n.\r\n");
    CHECK(written("..\r\n") == "...\r\n.\r\n");
    CHECK(written("a.\r\n.b\r\nc.d\r\n") == "a.\r\n..b\r\nc.d\r\n.\r\n");
    CHECK(written("a\r\n.\r\n.\r\nb\r\n") == "a\r\n..\r\n..\r\nb\r\n.\r\n");
}

TEST_CASE("only CRLF ends a line") {
    CHECK(written("a\n.b\r\n") == "a\n.b\r\n.\r\n");
    CHECK(written("a\r.b\r\n") == "a\r.b\r\n.\r\n");
    CHECK(written("\n.b\r\n") == "\n.b\r\n.\r\n");
    CHECK(written("a\r\r\n.b\r\n") == "a\r\r\n..b\r\n.\r\n");
    CHECK(written("a\n\r.b\r\n") == "a\n\r.b\r\n.\r\n");
}

TEST_CASE("a missing final CRLF is added") {
    CHECK(written("a") == "a\r\n.\r\n");
    CHECK(written("a\r") == "a\r\r\n.\r\n");
    CHECK(written("a\n") == "a\n\r\n.\r\n");
    CHECK(written("a\r\n") == "a\r\n.\r\n");
}

TEST_CASE("TOP ends after the blank line and as many lines as were asked for") {
    const std::string_view message = "A: 1\r\nB: 2\r\n\r\none\r\n.two\r\n\r\nfour\r\n";
    CHECK(written(message, 0) == "A: 1\r\nB: 2\r\n\r\n.\r\n");
    CHECK(written(message, 1) == "A: 1\r\nB: 2\r\n\r\none\r\n.\r\n");
    CHECK(written(message, 3) == "A: 1\r\nB: 2\r\n\r\none\r\n..two\r\n\r\n.\r\n");
    CHECK(written(message, 4) == written(message));
    CHECK(written(message, UINT64_MAX) == written(message));
    CHECK(written("\r\nbody\r\n", 0) == "\r\n.\r\n");
    CHECK(written("A: 1\r\n", 0) == "A: 1\r\n.\r\n");
    CHECK(written("A: 1\n\nbody\r\n", 0) == "A: 1\n\nbody\r\n.\r\n");  // bare LFs are no lines
    CHECK(written("A: 1\r\n\r\r\nbody\r\n", 0) == "A: 1\r\n\r\r\nbody\r\n.\r\n");
}

TEST_CASE("push tells when TOP wants no more, and takes no more") {
    DotWriter writer(1);
    std::string out;
    CHECK(writer.push("A: 1\r\n\r", out));
    CHECK(writer.push("\none\r", out));
    CHECK_FALSE(writer.push("\ntwo\r\n", out));
    CHECK_FALSE(writer.push("three", out));
    writer.finish(out);
    CHECK(out == "A: 1\r\n\r\none\r\n.\r\n");
}

TEST_CASE("every split gives the same octets") {
    std::mt19937 random(1939);
    for (int round = 0; round < 20000; ++round) {
        const std::string message = randomMessage(random);
        const Lines lines = round % 3 == 0 ? Lines() : Lines(random() % 3);
        const std::string whole = written(message, lines);
        CAPTURE(gateway::printable(message));
        CAPTURE(lines.value_or(99));
        REQUIRE(whole == expected(message, lines));
        REQUIRE(writtenByOctet(message, lines) == whole);
        for (std::size_t cut = 0; cut <= message.size(); ++cut) {
            REQUIRE(written(message, {cut}, lines) == whole);
        }
    }
}

TEST_CASE("the client gets what was stored") {
    std::mt19937 random(2449);
    for (int round = 0; round < 20000; ++round) {
        const std::string message = randomMessage(random) + "\r\n";
        CAPTURE(gateway::printable(message));
        REQUIRE(received(written(message)) == message);
    }
}
