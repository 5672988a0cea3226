// BDAT: what is stored is what the chunks hold together, and the command behind them is still
// understood, whatever was refused before. Input: limit of size, then chunks: how BDAT is written,
// how many octets, the octets.
#include "tests/fuzz/fuzzing.h"
#include "tests/fuzz/stored_form.h"
#include "tests/smtp/scripted_server.h"

namespace {

using fuzz::claim;
using namespace smtp;
using test::ScriptedHouse;
using test::ScriptedServer;

constexpr std::string_view kTransaction =
    "EHLO sender.example\r\nMAIL FROM:<>\r\n"
    "RCPT TO:<mbx-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@msgw.example.com>\r\n";

/// All that comes is one message in chunks, as far as the test knows it.
struct Expected {
    std::string message;
    bool complete = false;  ///< LAST came
    bool refused = false;   ///< a chunk was, so the message is gone
};

std::vector<std::string> repliesOf(ScriptedServer& server) {
    std::vector<std::string> lines;
    while (auto line = server.takeLine()) {
        lines.push_back(std::move(*line));
    }
    return lines;
}

/// How a chunk of `octets` is announced; `form` also makes what is to be refused.
std::string announced(std::uint8_t form, std::size_t octets) {
    std::string line = (form & 8U ? "bdat " : "BDAT ") + std::string(form & 16U ? "000" : "") +
                       std::to_string(octets);
    if (form & 1U) {
        line += form & 32U ? "  LaSt" : " LAST";
    } else if ((form & 6U) == 6U) {
        line += " LASTING";
    }
    return line + "\r\n";
}

void sendChunk(ScriptedServer& server, const Options& options, fuzz::Portions& portions,
               Expected& expected) {
    const std::uint8_t form = portions.octet();
    const std::string_view octets = portions.take(portions.octet());
    const bool malformed = (form & 7U) == 6U;
    const bool tooLarge = expected.message.size() + octets.size() > options.maxMessageSize;
    const bool late = expected.complete || expected.refused;
    const std::string whole = announced(form, octets.size()) + std::string(octets);
    fuzz::Splitter pieces(whole, form);
    while (!pieces.empty() && !server.closed()) {
        server.receive(pieces.next());
    }
    const auto replies = repliesOf(server);
    claim(replies.size() == (server.closed() ? replies.size() : 1U), "one reply for each chunk");
    if (late || server.closed()) {
        claim(!replies.empty() && replies.back().front() >= '4', "a late chunk is refused");
    } else if (malformed || tooLarge) {
        claim(replies.back().front() == '5', "a bad chunk is refused");
        expected.refused = true;
    } else {
        claim(replies.back().starts_with("250"), "a good chunk is taken");
        expected.message += octets;
        expected.complete = (form & 1U) != 0;
    }
}

}  // namespace

void fuzz::run(std::string_view input) {
    Portions portions(input);
    Options options;
    options.hostname = "msgw1.example.com";
    options.domain = "msgw.example.com";
    options.maxMessageSize = portions.octet() % 2 == 0 ? 64 : 1ULL << 20U;
    ScriptedHouse house;
    ScriptedServer server(options, house);
    server.greet();
    server.receive(kTransaction);
    repliesOf(server);
    Expected expected;
    while (!portions.empty() && !server.closed()) {
        sendChunk(server, options, portions, expected);
    }
    claim(!server.closed(), "chunks whose size is known close nothing");
    const bool wanted = expected.complete && !expected.refused;
    claim(server.stored().has_value() == wanted, "stored is what came whole, and nothing else");
    if (wanted) {
        claim(server.stored()->message == storedFromChunks(expected.message).octets,
              "stored is what the chunks hold together");
    }
    server.receive("NOOP\r\n");
    const auto replies = repliesOf(server);
    claim(replies.size() == 1 && replies.front() == "250 2.0.0 Ok", "the next command is one");
}
