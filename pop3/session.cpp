#include "pop3/session.h"

#include <algorithm>

#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace pop3 {

namespace {

constexpr std::size_t kLinesASlice = 1000;

/// Where a command may be given: RFC 1939 sections 4 to 6.
enum class In { Any, Authorization, Secured, Transaction };  // Secured: authorization, under TLS

enum class Takes { Nothing, Anything };
enum class Logs { Line, Verb };

std::string_view withoutBlanks(std::string_view text) {
    while (text.starts_with(' ')) {
        text.remove_prefix(1);
    }
    while (text.ends_with(' ')) {
        text.remove_suffix(1);
    }
    return text;
}

std::string describeCount(std::size_t messages) {
    return std::to_string(messages) + (messages == 1 ? " message" : " messages");
}

}  // namespace

struct Session::Command {
    std::string_view verb;
    In in;
    Takes takes;
    Logs logs;
    Reply (Session::*answer)(std::string_view arguments);
};

constexpr std::array<Session::Command, 26> Session::kCommands{{
    {"CAPA", In::Any, Takes::Nothing, Logs::Line, &Session::capa},
    {"QUIT", In::Any, Takes::Nothing, Logs::Line, &Session::quit},
    {"STLS", In::Authorization, Takes::Nothing, Logs::Line, &Session::stls},
    {"UTF8", In::Authorization, Takes::Nothing, Logs::Line, &Session::utf8},
    {"USER", In::Secured, Takes::Anything, Logs::Line, &Session::user},
    {"PASS", In::Secured, Takes::Anything, Logs::Verb, &Session::pass},
    {"AUTH", In::Secured, Takes::Anything, Logs::Verb, &Session::auth},
    {"STAT", In::Transaction, Takes::Nothing, Logs::Line, &Session::stat},
    {"LIST", In::Transaction, Takes::Anything, Logs::Line, &Session::list},
    {"UIDL", In::Transaction, Takes::Anything, Logs::Line, &Session::uidl},
    {"RETR", In::Transaction, Takes::Anything, Logs::Line, &Session::retr},
    {"TOP", In::Transaction, Takes::Anything, Logs::Line, &Session::top},
    {"DELE", In::Transaction, Takes::Anything, Logs::Line, &Session::dele},
    {"RSET", In::Transaction, Takes::Nothing, Logs::Line, &Session::rset},
    {"NOOP", In::Transaction, Takes::Nothing, Logs::Line, &Session::noop},
    {"APOP", In::Any, Takes::Anything, Logs::Verb, &Session::notOffered},
    {"LANG", In::Any, Takes::Anything, Logs::Line, &Session::notOffered},
    {"LAST", In::Any, Takes::Anything, Logs::Line, &Session::notOffered},
    {"RPOP", In::Any, Takes::Anything, Logs::Verb, &Session::notOffered},
    {"XTND", In::Any, Takes::Anything, Logs::Line, &Session::notOffered},
    {"GET", In::Any, Takes::Anything, Logs::Verb, &Session::notHttp},
    {"HEAD", In::Any, Takes::Anything, Logs::Verb, &Session::notHttp},
    {"POST", In::Any, Takes::Anything, Logs::Verb, &Session::notHttp},
    {"PUT", In::Any, Takes::Anything, Logs::Verb, &Session::notHttp},
    {"OPTIONS", In::Any, Takes::Anything, Logs::Verb, &Session::notHttp},
    {"CONNECT", In::Any, Takes::Anything, Logs::Verb, &Session::notHttp},
}};

Session::Session(const Options& options) : m_options(options) {}

// RFC 1939 section 4. No <timestamp>: that would offer APOP (section 7).
Reply Session::greet() const { return Reply("+OK " + m_options.hostname + " Postern POP3 ready"); }

Reply Session::onCommand(std::string_view line) {
    if (m_state == State::SaslResponse) {
        return onSaslResponse(line);
    }
    if (m_state == State::Unlocking || m_state == State::Update) {
        throw gateway::Error(gateway::Error::Kind::Internal,
                             "POP3 session: a command while another is being carried out");
    }
    const Command* command = commandOf(line);
    if (command == nullptr) {
        return refuse("Unknown command; CAPA lists what is offered");  // RFC 1939 section 3
    }
    if (const auto why = misplaced(*command)) {
        return refuse(*why);
    }
    const std::string_view arguments = line.substr(std::min(line.size(), command->verb.size() + 1));
    if (command->takes == Takes::Nothing && !withoutBlanks(arguments).empty()) {
        return refuse("This command takes no argument");  // RFC 1939 section 9
    }
    return (this->*command->answer)(arguments);
}

// The answer to a challenge was lost with the line, so the exchange is over (RFC 5034 section 4).
Reply Session::onLineTooLong() {
    if (m_state == State::SaslResponse) {
        m_state = State::Authorization;
    }
    return refuse("The line is too long; at most " + std::to_string(m_options.maxCommandLine) +
                  " octets");  // RFC 2449 section 4
}

bool Session::nextListing(std::string& out) {
    if (!m_nextListed) {
        return false;
    }
    const std::size_t end = std::min(*m_nextListed + kLinesASlice, m_maildrop.entries().size());
    for (std::size_t index = *m_nextListed; index < end; ++index) {
        if (!m_maildrop.isMarked(index)) {
            out += listingLine(m_listing, index) + "\r\n";
        }
    }
    m_nextListed = end;
    if (end < m_maildrop.entries().size()) {
        return true;
    }
    out += ".\r\n";
    m_nextListed.reset();
    return false;
}

Requested Session::requested() const { return m_requested; }

Reply Session::onMessageOpened() {
    if (m_requested.lines) {
        return Reply("+OK the top of the message follows");
    }
    const Entry& entry = m_maildrop.entries()[m_requested.index];
    return Reply("+OK " + std::to_string(entry.octets) + " octets");
}

// RFC 3206 section 4: a damaged message fails again, so the client should not repeat the command;
// trouble of ours may pass.
Reply Session::onMessageRefused(MessageRefusal refusal) {
    const std::string message = "Message " + std::to_string(m_requested.index + 1);
    if (refusal == MessageRefusal::Trouble) {
        return Reply("-ERR [SYS/TEMP] " + message +
                     " cannot be read just now; go on with the others, and fetch it another time");
    }
    return Reply("-ERR [SYS/PERM] " + message +
                 " cannot be opened and stays where it is; go on with the others, and have the "
                 "gateway's admin look at its log");
}

const std::vector<std::size_t>& Session::marked() const { return m_marked; }

Reply Session::onRemoved() {
    return Reply("+OK " + describeCount(m_marked.size()) + " deleted, " +
                     std::to_string(m_maildrop.count()) + " left",
                 Then::Close);
}

// RFC 1939 section 6.
Reply Session::onRemoveFailed() {
    return Reply(
        "-ERR [SYS/TEMP] Some deleted messages could not be removed; those will be listed again",
        Then::Close);
}

bool Session::secured() const { return m_secured; }

std::string Session::loggable(std::string_view line) const {
    if (m_state == State::SaslResponse) {
        return "[not logged]";
    }
    const Command* command = commandOf(line);
    if (command == nullptr) {
        return "[unknown command, " + std::to_string(line.size()) + " octets]";
    }
    if (command->logs == Logs::Line || line.size() == command->verb.size()) {
        return std::string(line);
    }
    return std::string(command->verb) + " [not logged]";
}

const Session::Command* Session::commandOf(std::string_view line) {
    const std::string_view verb = line.substr(0, line.find(' '));
    const auto* const found = std::find_if(
        kCommands.begin(), kCommands.end(),
        [&](const Command& command) { return gateway::equalsIgnoringCase(command.verb, verb); });
    return found == kCommands.end() ? nullptr : found;
}

std::optional<std::string> Session::misplaced(const Command& command) const {
    if (command.in == In::Any) {
        return std::nullopt;
    }
    if (m_state == State::Transaction) {
        if (command.in == In::Transaction) {
            return std::nullopt;
        }
        return "You are logged in already";  // RFC 1939 section 5, RFC 2595 section 4
    }
    if (command.in == In::Secured && !m_secured) {
        return "Passwords are taken under TLS only: begin with STLS, or use POP3S";  // RFC 2595 2.3
    }
    if (command.in == In::Transaction) {
        return "Log in first";  // RFC 1939 section 4
    }
    return std::nullopt;
}

Reply Session::refuse(std::string_view why) {
    if (++m_badCommands >= m_options.maxBadCommands) {
        return Reply("-ERR Too many bad commands; nothing was deleted", Then::Close);
    }
    return Reply("-ERR " + std::string(why));
}

// RFC 2449 section 5; the lines that differ between states are those the RFCs let differ.
Reply Session::capa(std::string_view) {
    std::string text =
        "+OK Capabilities follow\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
        "PIPELINING\r\nEXPIRE NEVER\r\nUTF8\r\n";
    text += m_secured ? "USER\r\nSASL PLAIN\r\n" : "STLS\r\n";
    return Reply(text + "IMPLEMENTATION Postern\r\n.");
}

// From here on the deletions are carried out even if the client has gone (RFC 1939 section 6); in
// the AUTHORIZATION state there is nothing to update (section 4).
Reply Session::quit(std::string_view) {
    if (m_state != State::Transaction) {
        return Reply("+OK Goodbye", Then::Close);
    }
    m_state = State::Update;
    m_marked = m_maildrop.marked();
    return Reply("", Then::Remove);
}

Reply Session::utf8(std::string_view) {
    return Reply("+OK Messages go as they are, with UTF8 and without");  // RFC 6856 section 2
}

Reply Session::notOffered(std::string_view) {
    return refuse("This command is not offered here; CAPA lists what is");
}

// A web page that makes a browser send its form here gets no second line (cross-protocol attack).
Reply Session::notHttp(std::string_view) {
    return Reply("-ERR This is POP3, not HTTP", Then::Close);
}

Reply Session::stat(std::string_view) {
    return Reply("+OK " + std::to_string(m_maildrop.count()) + " " +
                 std::to_string(m_maildrop.octets()));
}

Reply Session::list(std::string_view arguments) { return listing(Listing::Sizes, arguments); }

Reply Session::uidl(std::string_view arguments) { return listing(Listing::UniqueIds, arguments); }

Reply Session::listing(Listing kind, std::string_view arguments) {
    const std::string_view argument = withoutBlanks(arguments);
    if (argument.empty()) {
        m_listing = kind;
        m_nextListed = 0;
        return Reply("+OK " + describeMaildrop(), Then::SendListing);
    }
    const auto number = gateway::parseDecimal(argument);
    if (!number) {
        return refuse("Give a message number, or none for all");  // RFC 1939 section 5
    }
    const auto index = m_maildrop.find(*number);
    return index ? Reply("+OK " + listingLine(kind, *index)) : noSuchMessage();
}

Reply Session::retr(std::string_view arguments) {
    const auto number = gateway::parseDecimal(withoutBlanks(arguments));
    if (!number) {
        return refuse("Give the number of a message: RETR 1");  // RFC 1939 section 5
    }
    const auto index = m_maildrop.find(*number);
    if (!index) {
        return noSuchMessage();
    }
    m_requested = Requested();
    m_requested.index = *index;
    return Reply("", Then::SendMessage);
}

Reply Session::top(std::string_view arguments) {
    const std::string_view both = withoutBlanks(arguments);
    const std::size_t blank = std::min(both.find(' '), both.size());
    const auto number = gateway::parseDecimal(both.substr(0, blank));
    const auto lines = gateway::parseDecimal(withoutBlanks(both.substr(blank)));
    if (!number || !lines) {
        return refuse(
            "Give a message number and a number of lines: TOP 1 0");  // RFC 1939 section 7
    }
    const auto index = m_maildrop.find(*number);
    if (!index) {
        return noSuchMessage();
    }
    m_requested.index = *index;
    m_requested.lines = lines;
    return Reply("", Then::SendMessage);
}

Reply Session::dele(std::string_view arguments) {
    const auto number = gateway::parseDecimal(withoutBlanks(arguments));
    if (!number) {
        return refuse("Give the number of a message: DELE 1");  // RFC 1939 section 5
    }
    const auto index = m_maildrop.find(*number);
    if (!index) {
        return noSuchMessage();
    }
    m_maildrop.mark(*index);
    return Reply("+OK Message " + std::to_string(*number) + " goes when you say QUIT");
}

Reply Session::rset(std::string_view) {
    m_maildrop.unmarkAll();
    return Reply("+OK " + describeMaildrop());
}

Reply Session::noop(std::string_view) { return Reply("+OK"); }

std::string Session::listingLine(Listing kind, std::size_t index) const {
    const Entry& entry = m_maildrop.entries()[index];
    return std::to_string(index + 1) + " " +
           (kind == Listing::Sizes ? std::to_string(entry.octets) : entry.id.str());
}

Reply Session::noSuchMessage() const {
    return Reply(
        "-ERR There is no such message, or it was deleted; LIST shows those that are "
        "there");  // RFC 1939 section 5
}

std::string Session::describeMaildrop() const {
    return describeCount(m_maildrop.count()) + " (" + std::to_string(m_maildrop.octets()) +
           " octets)";
}

}  // namespace pop3
