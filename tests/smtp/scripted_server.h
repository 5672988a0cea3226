// An SMTP server in memory: the loop around a Session as the real one has it, with a world that
// does what a test says. Never waits: it takes what input there is.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "smtp/data_reader.h"
#include "smtp/session.h"

namespace smtp::test {

/// 32 times `digit` behind "mbx-". `a`, `b` and `c` are active, `5` suspended, `d` deleted, `e`
/// unreadable, all others unknown.
gateway::MailboxId mailboxOf(char digit);

/// These throw where `text` is none.
gateway::MailboxId mailboxNamed(std::string_view text);
gateway::MessageId messageIdOf(std::string_view text);

class ScriptedHouse : public House {
public:
    Recipient recipient(const gateway::MailboxId& mailbox) const override;
    std::uint64_t room() const override { return roomLeft; }
    bool draining() const override { return drains; }
    bool asksForCertificate() const override { return false; }
    void onTurnedAway(const TurnedAway& event) override { turnedAway.push_back(event); }

    std::uint64_t roomLeft = 1ULL << 40U;
    bool drains = false;
    bool allKnown = false;  ///< every mailbox is active
    std::map<gateway::MailboxId, std::shared_ptr<const gateway::Allow>> pins;
    std::vector<TurnedAway> turnedAway;
};

/// Stays where it is made: the session refers to its options.
class ScriptedServer {
public:
    /// What becomes of a message once it was read, or of a chunk.
    using Outcome = std::variant<gateway::MessageId, Refusal>;
    struct Stored {
        std::string message;
        std::vector<std::string> traceHeaders;  ///< of each copy
    };

    ScriptedServer(Options options, ScriptedHouse& house);

    void greet() { answer(m_session.greet()); }
    /// What the client sends; answers as far as it goes.
    void receive(std::string_view octets);
    /// The handshake is done.
    void onTls(TlsInfo tls);
    /// The outcome of the next message (or chunk) not yet read whole; stored where none is left.
    void expect(Outcome outcome) { m_outcomes.push_back(outcome); }

    /// The next reply line without its CRLF.
    std::optional<std::string> takeLine();
    bool closed() const { return m_mode == Mode::Closed; }
    bool inHandshake() const { return m_mode == Mode::Handshake; }
    const std::optional<Stored>& stored() const { return m_stored; }
    const Session& session() const { return m_session; }

private:
    enum class Mode { Command, Data, Chunk, Skip, Handshake, Closed };

    bool step();
    bool readCommand();
    void readMessage();
    void readChunk();
    void skip();
    void finish();
    void answer(const Reply& reply);
    void send(const Reply& reply);

    Options m_options;
    Session m_session;
    Mode m_mode = Mode::Command;
    std::string m_input;
    std::string m_output;
    DataReader m_reader{DataReader::Form::Dots};
    std::string m_message;
    bool m_freshMessage = true;    ///< the next chunk is the first of its message
    Reply m_pending{250, "", ""};  ///< of Chunk and Skip
    std::uint64_t m_left = 0;
    std::deque<Outcome> m_outcomes;
    std::optional<Stored> m_stored;
};

}  // namespace smtp::test
