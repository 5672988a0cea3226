// Replays every dialogue of tests/dialogues/smtp against a session in memory.
// Never starts a process or opens a port: the same files are replayed over TLS elsewhere.
#include <algorithm>
#include <map>
#include <sstream>
#include <utility>

#include <doctest/doctest.h>

#include "gateway/base/text.h"
#include "tests/smtp/dialogue.h"
#include "tests/smtp/scripted_server.h"

namespace {

using namespace smtp::test;
using smtp::Refusal;

std::string takeWord(std::istringstream& words) {
    std::string word;
    words >> word;
    return word;
}

/// Plays one dialogue, step by step.
class Player {
public:
    explicit Player(const Dialogue& dialogue) : m_dialogue(dialogue) {
        m_options.hostname = "msgw1.example.com";
        m_options.domain = "msgw.example.com";
    }

    /// "name:line: want … got …", or nothing where all went as written.
    std::optional<std::string> play() {
        for (const Step& step : m_dialogue.steps) {
            m_line = step.line;
            try {
                take(step);
            } catch (const std::exception& failure) {
                return at(failure.what());
            }
        }
        const auto left = m_server ? answerLine() : std::nullopt;
        if (left) {
            return at("want the end, got \"" + *left + "\"");
        }
        if (!m_house.pins.empty() && !m_house.turnedAway.empty()) {
            return at("something was turned away, and no line says so");
        }
        if (!m_expected.empty() || m_isClosed != (m_server && m_server->closed())) {
            return at("the message or the connection goes on, or ends, behind the last step");
        }
        return std::nullopt;
    }

private:
    std::string at(const std::string& what) const {
        return m_dialogue.name + ":" + std::to_string(m_line) + ": " + what;
    }

    void take(const Step& step) {
        if (step.kind != Step::Kind::Message && !m_expected.empty()) {
            throw std::runtime_error("the stored message goes on: \"" +
                                     gateway::printable(m_expected) + "\"");
        }
        m_expected.clear();
        switch (step.kind) {
            case Step::Kind::Client:
                server();
                m_unsent += step.octets;
                return;
            case Step::Kind::Server:
                return expect(step.octets, answerLine());
            case Step::Kind::Servers:
                return expectAll(step.octets);
            case Step::Kind::World:
                return world(step.octets);
            case Step::Kind::Header:
                return expect(step.octets, headerLine());
            case Step::Kind::Message:
                return message(step.octets);
        }
    }

    static void expect(const std::string& want, const std::optional<std::string>& got) {
        if (!got || !got->starts_with(want)) {
            throw std::runtime_error("want \"" + want + "\" got " +
                                     (got ? '"' + *got + '"' : "nothing"));
        }
    }

    void expectAll(const std::string& want) {
        for (auto line = answerLine(); line; line = answerLine()) {
            if (!line->starts_with(want)) {
                m_ahead = line;
                return;
            }
        }
    }

    ScriptedServer& server() {
        if (!m_server) {
            m_server.emplace(m_options, m_house);
            if (m_tls) {
                m_server->onTls(m_tls);
            }
            m_server->greet();
        }
        return *m_server;
    }

    /// Runs the server only now, on all that was sent: lines of C: behind one another are one
    /// packet, as a pipelining client or an attacker sends them.
    std::optional<std::string> answerLine() {
        if (m_ahead) {
            return std::exchange(m_ahead, std::nullopt);
        }
        ScriptedServer& running = server();
        if (!m_unsent.empty()) {
            const std::string octets = std::exchange(m_unsent, "");
            running.receive(octets);
            m_inHeaders = false;
            m_messageAt = 0;
        }
        auto line = running.takeLine();
        if (line) {
            const bool printable = std::all_of(line->begin(), line->end(),
                                               [](char c) { return c >= ' ' && c <= '~'; });
            if (!printable || line->size() > 510) {
                throw std::runtime_error("a reply line no client must see: " + *line);
            }
        }
        return line;
    }

    std::optional<std::string> headerLine() {
        const auto& stored = server().stored();
        if (!stored) {
            throw std::runtime_error("no message was stored");
        }
        if (!std::exchange(m_inHeaders, true)) {
            m_headers = stored->traceHeaders.front();
        }
        const std::size_t end = m_headers.find("\r\n");
        if (end == std::string::npos) {
            return std::nullopt;
        }
        std::string line = m_headers.substr(0, end);
        m_headers.erase(0, end + 2);
        return line;
    }

    void message(const std::string& octets) {
        const auto& stored = server().stored();
        if (!stored) {
            throw std::runtime_error("no message was stored");
        }
        const std::string rest = stored->message.substr(m_messageAt);
        if (!rest.starts_with(octets)) {
            throw std::runtime_error("want message \"" + gateway::printable(octets) + "\" got \"" +
                                     gateway::printable(rest) + "\"");
        }
        m_messageAt += octets.size();
        m_expected = rest.substr(octets.size());
    }

    void world(const std::string& text) {
        std::istringstream words(text);
        const std::string verb = takeWord(words);
        const std::string first = takeWord(words);
        if (verb == "option") {
            return option(first, takeWord(words));
        }
        if (verb == "tls") {
            handshake(first, words);
        } else if (verb == "allow") {
            allow(mailboxOf(first.at(0)), text.substr(text.find('{')));
        } else if (verb == "turned" && first == "away") {
            turnedAway(text);
        } else if (verb == "room") {
            m_house.roomLeft = numberOf(first);
        } else if (verb == "draining") {
            m_house.drains = true;
        } else if (verb == "stored") {
            server().expect(messageIdOf(first));
        } else if (verb == "refused") {
            server().expect(refusalOf(first));
        } else if (verb == "nothing" && first == "stored") {
            require(!server().stored(), "a message was stored");
        } else if (verb == "copies") {
            const auto count = numberOf(first);
            const auto& stored = server().stored();
            require(stored && stored->traceHeaders.size() == count, "another number of copies");
        } else if (verb == "closed") {
            require(!answerLine(), "a reply comes instead of the end");
            require(server().closed(), "the connection is still open");
            m_isClosed = true;
        } else {
            throw std::runtime_error("unknown: > " + text);
        }
    }

    void handshake(const std::string& version, std::istringstream& words) {
        m_tls.version = version;
        m_tls.cipher = takeWord(words);
        m_tls.certificateNames.clear();
        for (std::string name = takeWord(words); !name.empty(); name = takeWord(words)) {
            m_tls.certificateNames.push_back(name);
        }
        m_tls.certificateFault = m_tls.certificateNames.empty() ? "none was given" : "";
        if (m_server) {
            m_server->onTls(m_tls);
        }
    }

    void allow(const gateway::MailboxId& mailbox, const std::string& fields) {
        std::string why;
        const auto pins = gateway::Allow::parse(nlohmann::json::parse(fields), why);
        require(pins.has_value(), why.c_str());
        m_house.pins[mailbox] = std::make_shared<const gateway::Allow>(*pins);
    }

    /// `text` is "turned away REASON refused|observed [what was seen]"; what the house heard next.
    void turnedAway(const std::string& text) {
        using Reason = smtp::TurnedAway::Reason;
        static const std::map<Reason, std::string> names{
            {Reason::UnknownMailbox, "unknown-mailbox"},
            {Reason::UnreadableRecord, "unreadable-record"},
            {Reason::Suspended, "suspended"},
            {Reason::Deleted, "deleted"},
            {Reason::Network, "network"},
            {Reason::Tls, "tls"},
            {Reason::Certificate, "certificate"},
            {Reason::OriginatorOrg, "originator-org"},
            {Reason::NoJournalReport, "no-journal-report"}};
        require(!m_house.turnedAway.empty(), "the house heard of nothing that was turned away");
        const smtp::TurnedAway event = m_house.turnedAway.front();
        m_house.turnedAway.erase(m_house.turnedAway.begin());
        const std::string got = "turned away " + names.at(event.reason) +
                                (event.observed ? " observed " : " refused ") + event.seen;
        expect(text, got);
    }

    static void require(bool truth, const char* what) {
        if (!truth) {
            throw std::runtime_error(what);
        }
    }

    void option(const std::string& name, const std::string& value) {
        require(!m_server, "options stand before the first line");
        if (name == "max_message_size") {
            m_options.maxMessageSize = numberOf(value);
        } else if (name == "max_recipients") {
            m_options.maxRecipients = numberOf(value);
        } else if (name == "max_bad_commands") {
            m_options.maxBadCommands = numberOf(value);
        } else if (name == "unknown_mailbox") {
            m_options.rejectUnknown = value == "550";
        } else if (name == "postmaster") {
            m_options.postmaster = mailboxNamed(value);
        } else {
            throw std::runtime_error("unknown option: " + name);
        }
    }

    static Refusal refusalOf(const std::string& why) {
        if (why == "full") {
            return Refusal::DiskFull;
        }
        if (why == "key-changed") {
            return Refusal::KeyChanged;
        }
        require(why == "trouble", "refused full, key-changed or trouble");
        return Refusal::Trouble;
    }

    const Dialogue& m_dialogue;
    std::size_t m_line = 0;
    smtp::Options m_options;
    ScriptedHouse m_house;
    std::optional<ScriptedServer> m_server;
    smtp::TlsInfo m_tls;
    std::string m_unsent;
    std::optional<std::string> m_ahead;  ///< a reply line that ended a run of S*:
    std::string m_headers;               ///< what is left of the stored copy's
    bool m_inHeaders = false;            ///< between H: lines
    std::size_t m_messageAt = 0;
    std::string m_expected;  ///< what is left of the stored message behind an M: line
    bool m_isClosed = false;
};

std::optional<std::string> replay(std::string_view text) {
    const Dialogue dialogue = parseDialogue("here", text);
    return Player(dialogue).play();
}

}  // namespace

TEST_CASE("every dialogue goes as written") {
    const auto dialogues =
        readDialogues(std::filesystem::path(POSTERN_TESTS_FOLDER) / "dialogues" / "smtp");
    CHECK(dialogues.size() >= 40);
    for (const Dialogue& dialogue : dialogues) {
        const auto failure = Player(dialogue).play();
        CHECK_MESSAGE(!failure, failure.value_or(""));
    }
}

TEST_CASE("the player sees what differs") {
    CHECK(replay("S: 220 \nC: NOOP\nS: 250 \n") == std::nullopt);
    CHECK(replay("S: 220 \nC: NOOP\nS: 500 \n") == "here:3: want \"500 \" got \"250 2.0.0 Ok\"");
    CHECK(replay("S: 220 \nC: NOOP\n") == "here:2: want the end, got \"250 2.0.0 Ok\"");
    CHECK(replay("S: 220 \nS: 250 \n") == "here:2: want \"250 \" got nothing");
    CHECK(replay("S*: 220 \nC: HELP\nS*: 214-\nS: 214 \n") == std::nullopt);
    CHECK(replay("S*: 220 \nC: HELP\nS*: 215-\nS: 214 \n").has_value());
    CHECK(replay("S: 220 \nC: QUIT\nS: 221 \n").has_value());
    CHECK(replay("S: 220 \n> closed\n").has_value());
    CHECK(replay("S: 220 \nC: QUIT\nS: 221 \n> closed\n") == std::nullopt);
    const std::string mail =
        "S: 220 \nC: HELO x\nS: 250 \nC: MAIL FROM:<>\nS: 250 \nC: RCPT TO:<" +
        mailboxOf('a').str() +
        "@msgw.example.com>\nS: 250 \nC: DATA\nS: 354 \nC: a\nC: b\nC: .\nS: 250 \n";
    CHECK(replay(mail + "> copies 1\nM: a\nM: b\n") == std::nullopt);
    CHECK(replay(mail + "M: a\n").has_value());
    CHECK(replay(mail + "M: a\nM: c\n").has_value());
    CHECK(replay(mail + "> nothing stored\n").has_value());
    CHECK(replay(mail + "> copies 2\n").has_value());
    CHECK(replay(mail + "H: Return-Path: <>\n") == std::nullopt);
    CHECK(replay(mail + "H: Delivered-To: \n").has_value());
    CHECK_THROWS(replay("X: what\n"));
}
