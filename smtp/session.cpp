#include "smtp/session.h"

#include <algorithm>
#include <array>

#include "gateway/base/text.h"

namespace smtp {

namespace {

using gateway::equalsIgnoringCase;

constexpr std::size_t kLongestClientName = 255;  // RFC 5321 4.5.3.1.2

/// Somebody lets a browser talk to us, to make it say things in our name (cross-protocol attacks).
bool isHttp(std::string_view verb) {
    static constexpr std::array<std::string_view, 10> kVerbs{
        "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PATCH", "PRI"};
    return std::any_of(kVerbs.begin(), kVerbs.end(),
                       [&](std::string_view known) { return equalsIgnoringCase(verb, known); });
}

/// The characters of host names and address literals; all others could end a comment or a clause
/// of the Received field they get into.
char safeInHeader(char c) {
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alnum || std::string_view("-._:[]").find(c) != std::string_view::npos ? c : '?';
}

}  // namespace

/// One row: a command, when it is in order, and who answers it.
struct Session::Command {
    std::string_view verb;
    State least;
    State most;
    bool takesArgument;
    Reply (Session::*handler)(std::string_view argument);
};

std::span<const Session::Command> Session::commands() {
    // BDAT judges its order itself: its octets follow even where it is refused (RFC 3030 section
    // 2).
    static constexpr std::array<Command, 14> kCommands{{
        {"EHLO", State::Connected, State::GotChunk, true, &Session::ehlo},
        {"HELO", State::Connected, State::GotChunk, true, &Session::helo},
        {"STARTTLS", State::Connected, State::Greeted, false, &Session::startTls},
        {"MAIL", State::Greeted, State::Greeted, true, &Session::mail},
        {"RCPT", State::GotMail, State::GotRcpt, true, &Session::rcpt},
        {"DATA", State::GotRcpt, State::GotRcpt, false, &Session::data},
        {"BDAT", State::Connected, State::GotChunk, true, &Session::bdat},
        {"RSET", State::Connected, State::GotChunk, false, &Session::rset},
        {"NOOP", State::Connected, State::GotChunk, true, &Session::noop},
        {"HELP", State::Connected, State::GotChunk, true, &Session::help},
        {"VRFY", State::Connected, State::GotChunk, true, &Session::vrfy},
        {"EXPN", State::Connected, State::GotChunk, true, &Session::notOffered},
        {"AUTH", State::Connected, State::GotChunk, true, &Session::notOffered},
        {"QUIT", State::Connected, State::GotChunk, false, &Session::quit},
    }};
    return kCommands;
}

Session::Session(const Options& options, House& house, std::string peer)
    : m_options(options), m_house(house), m_peer(std::move(peer)) {}

Reply Session::greet() const {
    if (m_house.draining()) {
        return drainingReply();  // RFC 5321 3.8
    }
    return {220, "", m_options.hostname + " ESMTP Postern"};
}

Reply Session::onCommand(std::string_view line) {
    const auto parsed = parseCommandLine(line);
    if (!parsed) {
        if (equalsIgnoringCase(line.substr(0, 4), "BDAT")) {
            return chunkOfUnknownLength();
        }
        return bad(500, "5.5.2", "The command holds control characters or is not UTF-8");  // 4.1.2
    }
    if (isHttp(parsed->verb)) {
        return {421, "4.7.0", m_options.hostname + " speaks SMTP, not HTTP", Then::Close};
    }
    const auto known = commands();
    const auto command = std::find_if(known.begin(), known.end(), [&](const Command& row) {
        return equalsIgnoringCase(row.verb, parsed->verb);
    });
    if (command == known.end()) {
        return bad(500, "5.5.2", "Command not recognized");  // RFC 5321 4.2.4
    }
    if (m_state < command->least || m_state > command->most) {
        return outOfOrder(*command);
    }
    if (!command->takesArgument && !parsed->argument.empty()) {
        return bad(501, "5.5.4", std::string(command->verb) + " takes no argument");  // 4.3.2
    }
    return (this->*command->handler)(parsed->argument);
}

Reply Session::onLineTooLong(std::string_view beginning) {
    if (equalsIgnoringCase(beginning.substr(0, 4), "BDAT")) {
        return chunkOfUnknownLength();
    }
    return bad(500, "5.5.2",  // RFC 5321 4.5.3.1.10
               "Line too long; at most " + std::to_string(m_options.maxCommandLine) + " octets");
}

void Session::onTls(TlsInfo tls) {
    m_tls = std::move(tls);  // RFC 3207 4.2: nothing said before counts
    m_clientName = "unknown";
    m_extended = false;
    m_state = State::Connected;
    dropTransaction();
}

Reply Session::bad(int code, std::string_view enhanced, std::string text) {
    if (++m_badCommands > m_options.maxBadCommands) {
        return {421, "4.7.0", m_options.hostname + " closes: too many commands that make no sense",
                Then::Close};
    }
    return {code, enhanced, std::move(text)};
}

/// A chunk follows, and nobody knows where it ends: it must not be taken for commands.
Reply Session::chunkOfUnknownLength() {
    return {501, "5.5.4", "Write BDAT, the number of octets, and LAST with the last chunk",
            Then::Close};
}

/// RFC 5321 4.1.4. A pipelining client sends RCPT and DATA before it knows that MAIL was refused
/// (RFC 2920 3.1), so after a greeting these two do not count as bad.
Reply Session::outOfOrder(const Command& command) {
    const bool pipelined = command.least > State::Greeted && m_state >= State::Greeted;
    if (m_state == State::Connected) {
        return bad(503, "5.5.1", "Send EHLO first");
    }
    if (!pipelined) {
        return bad(503, "5.5.1",
                   std::string(command.verb) + " has no place in a transaction; send RSET first");
    }
    if (m_state == State::GotChunk) {
        return {503, "5.5.1", "This message comes by BDAT; go on with it, or send RSET"};
    }
    if (m_state == State::GotMail) {
        return {503, "5.5.1", "No recipient was accepted; send RCPT first"};
    }
    return {503, "5.5.1", "Send MAIL first"};
}

Reply Session::drainingReply() const {
    return {
        421, "4.3.2",
        m_options.hostname + " is being taken out of service; use another MX, or try again later",
        Then::Close};
}

void Session::dropTransaction() {
    m_state = std::min(m_state, State::Greeted);
    m_envelope = Envelope();
    m_declaredSize = 0;
    m_chunkOctets = 0;
    m_chunkFailed = false;
}

bool Session::introduce(std::string_view name) {
    if (name.empty()) {
        return false;
    }
    // What a client calls itself is never a reason to refuse its mail (RFC 5321 4.1.4).
    m_clientName = name.substr(0, kLongestClientName);
    std::transform(m_clientName.begin(), m_clientName.end(), m_clientName.begin(), safeInHeader);
    m_state = State::Greeted;
    dropTransaction();
    return true;
}

Reply Session::helo(std::string_view argument) {
    if (!introduce(argument)) {
        return bad(501, "5.5.4", "HELO needs the name of your host");  // RFC 5321 4.1.1.1
    }
    m_extended = false;
    return {250, "", m_options.hostname};
}

Reply Session::ehlo(std::string_view argument) {
    if (!introduce(argument)) {
        return bad(501, "5.5.4", "EHLO needs the name of your host");  // RFC 5321 4.1.1.1
    }
    m_extended = true;
    std::string text = m_options.hostname + " greets " + m_peer;
    text += "\nPIPELINING";
    text += "\nSIZE " + std::to_string(m_options.maxMessageSize);
    text += "\n8BITMIME\nSMTPUTF8\nCHUNKING\nENHANCEDSTATUSCODES";
    if (!m_tls) {
        text += "\nSTARTTLS";
    }
    return {250, "", std::move(text)};
}

Reply Session::startTls(std::string_view) {
    if (m_tls) {
        return bad(503, "5.5.1", "This connection is under TLS already");  // RFC 3207 4.2
    }
    return {220, "2.0.0", "Go ahead with the TLS handshake", Then::StartTls};
}

Reply Session::rset(std::string_view) {
    dropTransaction();
    return {250, "2.0.0", "Ok"};
}

Reply Session::noop(std::string_view) { return {250, "2.0.0", "Ok"}; }

Reply Session::help(std::string_view) {
    std::string text = "Commands:";
    for (const Command& command : commands()) {
        if (command.handler != &Session::notOffered) {
            text += ' ';
            text += command.verb;
        }
    }
    return {214, "2.0.0",
            text + "\nThis server takes mail for mbx- mailboxes at " + m_options.domain + " only"};
}

Reply Session::vrfy(std::string_view) {
    return {252, "2.0.0", "Cannot tell; send RCPT and see"};  // RFC 5321 3.5.3, 7.3
}

Reply Session::notOffered(std::string_view) {
    return bad(502, "5.5.1", "Not offered here; mail for our mailboxes needs none of it");  // 4.2.4
}

Reply Session::quit(std::string_view) {
    dropTransaction();
    return {221, "2.0.0", m_options.hostname + " closes the connection", Then::Close};
}

const Envelope& Session::envelope() const { return m_envelope; }
const std::string& Session::clientName() const { return m_clientName; }
const TlsInfo& Session::tls() const { return m_tls; }

std::string Session::protocolName() const {
    if (!m_extended) {
        return "SMTP";  // RFC 5321 4.4: HELO; a name for HELO under TLS was never registered
    }
    const std::string_view tls = m_tls ? "S" : "";
    return (m_envelope.utf8 ? "UTF8SMTP" : "ESMTP") + std::string(tls);
}

}  // namespace smtp
