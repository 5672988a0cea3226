// A whole SMTP session in memory: replies have their form, an envelope never holds more than it
// may, only what was accepted is stored, and packets may be cut anywhere.
// Input: options, seed of the cuts, what becomes of the first messages, what the client sends.
#include <memory>

#include "tests/fuzz/fuzzing.h"
#include "tests/smtp/scripted_server.h"

namespace {

using fuzz::claim;
using namespace smtp;
using test::ScriptedHouse;
using test::ScriptedServer;

struct World {
    explicit World(std::uint8_t choice, std::uint8_t outcomeChoice) {
        options.hostname = "msgw1.example.com";
        options.domain = "msgw.example.com";
        options.maxRecipients = choice & 1U ? 2 : 100;
        options.maxMessageSize = choice & 2U ? 300 : 200ULL << 20U;
        options.rejectUnknown = (choice & 4U) != 0;
        options.maxCommandLine = choice & 8U ? 100 : 4096;
        house.allKnown = (choice & 16U) != 0;
        house.roomLeft = choice & 32U ? 1000 : 1ULL << 40U;
        tls = (choice & 64U) != 0;
        house.drains = (choice & 128U) != 0;
        outcomes = outcomeChoice;
        if (!(choice & 4U)) {
            options.postmaster = test::mailboxOf('a');
        }
    }
    Options options;
    ScriptedHouse house;
    bool tls = false;
    std::uint8_t outcomes = 0;
};

TlsInfo someTls() { return {"TLSv1.3", "TLS_AES_256_GCM_SHA384", {"mail.example.com"}, ""}; }

std::shared_ptr<const gateway::Allow> pins(const nlohmann::json& fields) {
    std::string why;
    return std::make_shared<const gateway::Allow>(gateway::Allow::parse(fields, why).value());
}

std::unique_ptr<ScriptedServer> serverIn(World& world) {
    static const auto journal = pins({{"mode", "enforce"},
                                      {"only_journal_reports", true},
                                      {"originator_org", "a.example"},
                                      {"tls", "certificate"},
                                      {"certificate_names", {"mail.example.com"}}});
    static const auto network = pins({{"networks", {"198.51.100.0/24"}}, {"tls", "required"}});
    world.house.pins = {{test::mailboxOf('b'), journal}, {test::mailboxOf('c'), network}};
    auto server = std::make_unique<ScriptedServer>(world.options, world.house);
    if (world.tls) {
        server->onTls(someTls());
    }
    for (unsigned i = 0; i < 4; ++i) {  // two bits an outcome
        const unsigned outcome = world.outcomes >> (2U * i) & 3U;
        if (outcome == 0) {
            server->expect(test::messageIdOf("01980000-0000-7000-8000-000000000009"));
        } else {
            server->expect(outcome == 1   ? Refusal::DiskFull
                           : outcome == 2 ? Refusal::KeyChanged
                                          : Refusal::Trouble);
        }
    }
    server->greet();
    return server;
}

/// RFC 5321 4.2: three digits, then a blank, or a hyphen where more lines follow.
void checkReplies(const std::vector<std::string>& lines) {
    std::string continued;
    for (const std::string& line : lines) {
        claim(fuzz::isPrintableLines(line + "\r\n"), "a reply is printable");
        claim(line.size() >= 4 && line.size() <= 510, "a reply line has 4 to 510 octets");
        claim(line[0] >= '2' && line[0] <= '5' && line[1] >= '0' && line[1] <= '5' &&
                  line[2] >= '0' && line[2] <= '9',
              "a reply begins by a code");
        claim(line[3] == ' ' || line[3] == '-', "a blank or a hyphen follows the code");
        claim(continued.empty() || line.starts_with(continued), "all lines have the same code");
        const bool enhanced = line.size() > 8 && line[5] == '.' && line[7] == '.';
        claim(!enhanced || line[4] == line[0], "an enhanced code is of the code's class");
        continued = line[3] == '-' ? line.substr(0, 3) : "";
    }
    claim(continued.empty(), "a reply has its last line");
}

void checkStored(const ScriptedServer& server, const World& world) {
    const Envelope& envelope = server.session().envelope();
    claim(envelope.to.size() <= world.options.maxRecipients, "an envelope holds no more");
    const std::string& name = server.session().clientName();
    claim(std::all_of(name.begin(), name.end(), [](char c) { return c >= '!' && c <= '~'; }),
          "a client's name is safe in a header");
    if (!server.stored()) {
        return;
    }
    claim(!world.house.drains, "nothing is taken while draining");
    claim(!server.stored()->traceHeaders.empty(), "nothing is stored for nobody");
    claim(server.stored()->message.size() <= 2 * world.options.maxMessageSize + 2,
          "nothing larger than allowed is stored");  // a bare LF becomes two octets
    for (const std::string& headers : server.stored()->traceHeaders) {
        claim(headers.starts_with("Return-Path: <") && headers.ends_with("\r\n"),
              "the trace comes first");
        std::size_t lf = headers.find('\n');
        while (lf != std::string::npos) {
            claim(headers[lf - 1] == '\r', "a header line ends by CRLF");
            lf = headers.find('\n', lf + 1);
        }
    }
}

/// What was answered to `octets`, given in `pieces`; nothing where TLS made the pieces count.
template <typename Pieces>
std::optional<std::vector<std::string>> talk(World world, Pieces pieces) {
    const auto server = serverIn(world);
    bool shookHands = false;
    while (!pieces.empty() && !server->closed()) {
        server->receive(pieces.next());
        checkStored(*server, world);
        if (server->inHandshake()) {
            server->onTls(someTls());
            claim(server->session().envelope().to.empty(), "TLS forgets what was before it");
            shookHands = true;
        }
    }
    std::vector<std::string> lines;
    while (auto line = server->takeLine()) {
        lines.push_back(std::move(*line));
    }
    checkReplies(lines);
    claim(lines.front().starts_with(world.house.drains ? "421" : "220"), "a greeting comes first");
    return shookHands ? std::nullopt : std::optional(std::move(lines));
}

/// A packet a line: the envelope is looked at after each command.
class ByLine {
public:
    explicit ByLine(std::string_view text) : m_left(text) {}
    bool empty() const { return m_left.empty(); }
    std::string_view next() {
        const std::size_t end = std::min(m_left.find('\n'), m_left.size() - 1) + 1;
        const std::string_view line = m_left.substr(0, end);
        m_left.remove_prefix(end);
        return line;
    }

private:
    std::string_view m_left;
};

}  // namespace

void fuzz::run(std::string_view input) {
    Portions portions(input);
    const std::uint8_t choice = portions.octet();
    const std::uint8_t seed = portions.octet();
    const World world(choice, portions.octet());
    const auto byLine = talk(world, ByLine(portions.rest()));
    const auto split = talk(world, Splitter(portions.rest(), seed));
    claim(!byLine || !split || *byLine == *split, "packets may be cut anywhere");
}
