// One SMTP session as a value: a line in, a Reply out. Knows no socket, no clock, no file.
// RFC 5321, 1870 (SIZE), 2034 (enhanced codes), 2920 (pipelining), 3030 (CHUNKING, not BINARYMIME),
// 3207 (STARTTLS), 6152 (8BITMIME), 6531 (SMTPUTF8).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mail/drop.h"
#include "gateway/mail/message_id.h"
#include "smtp/command_parser.h"
#include "smtp/reply.h"
#include "smtp/sender_pins.h"

namespace smtp {

/// What `postern.toml` says about SMTP, and the limits of RFC 5321 4.5.3.
struct Options {
    std::string hostname;
    std::string domain;
    std::uint64_t maxMessageSize = 200ULL << 20U;
    std::size_t maxRecipients = 100;
    std::size_t maxBadCommands = 20;
    std::size_t maxCommandLine = 4096;             ///< octets without CRLF
    bool rejectUnknown = false;                    ///< `unknown_mailbox = "550"`
    std::optional<gateway::MailboxId> postmaster;  ///< takes postmaster@domain and <postmaster>
};

/// What the registry says about a recipient.
struct Recipient {
    enum class Standing { Active, Suspended, Deleted, Unknown, Unreadable };
    explicit Recipient(Standing is) : standing(is) {}
    explicit Recipient(crypto::SealKey current, std::shared_ptr<const gateway::Allow> pins = {})
        : standing(Standing::Active), key(std::move(current)), allow(std::move(pins)) {}
    Standing standing;
    std::optional<crypto::SealKey> key;           ///< where Active: what the message is sealed to
    std::shared_ptr<const gateway::Allow> allow;  ///< where Active: its pins; null for none
};

/// Mail for a mailbox was turned away, or would have been if its pins did more than observe.
struct TurnedAway {
    enum class Reason {
        UnknownMailbox,
        UnreadableRecord,
        Suspended,
        Deleted,
        Network,
        Tls,
        Certificate,
        OriginatorOrg,
        NoJournalReport
    };
    gateway::MailboxId mailbox;
    Reason reason;
    bool observed;     ///< the mail was taken all the same
    std::string peer;  ///< the sender's address
    std::string seen;  ///< what the sender had instead of what is pinned; printable
};

/// What the house says at this moment, asked at each command that depends on it; and what it wants
/// to hear. Never blocks.
class House {
public:
    virtual ~House() = default;
    virtual Recipient recipient(const gateway::MailboxId& mailbox) const = 0;
    /// Octets a message may still have before the disk guard (`min_free`) is touched.
    virtual std::uint64_t room() const = 0;
    virtual bool draining() const = 0;
    /// Whether some mailbox pins a client certificate, so that clients are asked for theirs.
    virtual bool asksForCertificate() const = 0;
    virtual void onTurnedAway(const TurnedAway& event) = 0;
    /// A message is durable in the mailbox.
    virtual void onStored(const gateway::MailboxId& /*mailbox*/) {}
    /// A message is durable in all its mailboxes, so long after its last octet.
    virtual void onDurable(std::chrono::steady_clock::duration /*took*/) {}
    /// The machine did not let us store one; its sender was asked to try again.
    virtual void onNotStored(const gateway::MailboxId& /*mailbox*/,
                             const gateway::MessageId& /*id*/, const std::string& /*cause*/) {}
};

/// A transaction so far: RFC 5321 4.1.1.2, 4.1.1.3.
struct Envelope {
    struct To {
        To(gateway::Drop target, std::string as, std::shared_ptr<const gateway::Allow> pins)
            : drop(std::move(target)), address(std::move(as)), allow(std::move(pins)) {}
        gateway::Drop drop;
        std::string address;                          ///< as accepted: "mbx-…@domain", lower case
        std::shared_ptr<const gateway::Allow> allow;  ///< null for none
    };
    std::string reversePath;  ///< without brackets; empty for the null sender
    std::vector<To> to;       ///< each mailbox once
    bool utf8 = false;        ///< SMTPUTF8 was given
};

/// Why a message was not stored.
enum class Refusal {
    TooLarge,    ///< 552 5.3.4
    DiskFull,    ///< 452 4.3.1
    KeyChanged,  ///< 451 4.3.0: a recipient's key is no longer the mailbox's
    NotAllowed,  ///< 550 5.7.1: the message misses a content pin of its recipients
    Trouble      ///< 451 4.3.0: ours, logged with its cause
};

class Session {
public:
    /// `options` and `house` must outlive the session. `peer` is the client's address, for texts.
    Session(const Options& options, House& house, std::string peer);

    /// 220, or 421 where draining (RFC 5321 3.1).
    Reply greet() const;
    /// One line without its CRLF, any octets.
    Reply onCommand(std::string_view line);
    /// A line that exceeded maxCommandLine; its octets were dropped.
    /// `beginning` is what was kept of it, at least four octets.
    Reply onLineTooLong(std::string_view beginning);
    /// The handshake after StartTls (or implicit TLS) is done: all state before it is forgotten.
    void onTls(TlsInfo tls);

    /// A chunk that was not the last was read whole and is within the size: 250.
    Reply onChunk(std::uint64_t octets);
    /// The message of the transaction is durable for every recipient. Ends the transaction: take
    /// from envelope() before what is still needed after; so does onRefused().
    Reply onStored(const gateway::MessageId& id);
    /// What stands in the message's own header misses pins of its recipients: tells the house, and
    /// says whether that refuses it. To be asked once, before the message is stored.
    bool refusesContent(const OuterHeader& header);
    /// It is not, and nothing of it is left. After a failed chunk that was not the last further
    /// chunks get 503 until RSET, MAIL or EHLO (RFC 3030 section 2).
    Reply onRefused(Refusal refusal);

    /// Whether chunks of a message were taken and more may follow. Once it is false again without
    /// onStored() or onRefused(), the transaction was dropped, and with it what was read.
    bool receivesChunks() const { return m_state == State::GotChunk; }

    /// Whether MAIL was taken, and what became of it is not known yet.
    bool inTransaction() const { return m_state > State::Greeted; }
    const Envelope& envelope() const;
    /// The client's word for itself, safe for a header ([!-~] only); "unknown" before EHLO.
    const std::string& clientName() const;
    const TlsInfo& tls() const;
    /// "ESMTPS", "ESMTP", "SMTP", "UTF8SMTPS", …: RFC 3848, RFC 6531 section 4.3.
    std::string protocolName() const;

private:
    /// In order: a command has a least and a most state (RFC 5321 4.1.4).
    enum class State { Connected, Greeted, GotMail, GotRcpt, GotChunk };
    struct Command;

    static std::span<const Command> commands();
    Reply helo(std::string_view argument);
    Reply ehlo(std::string_view argument);
    Reply startTls(std::string_view argument);
    Reply mail(std::string_view argument);
    Reply rcpt(std::string_view argument);
    Reply data(std::string_view argument);
    Reply bdat(std::string_view argument);
    Reply rset(std::string_view argument);
    Reply noop(std::string_view argument);
    Reply help(std::string_view argument);
    Reply vrfy(std::string_view argument);
    Reply notOffered(std::string_view argument);
    Reply quit(std::string_view argument);

    Reply bad(int code, std::string_view enhanced, std::string text);
    static Reply chunkOfUnknownLength();
    Reply outOfOrder(const Command& command);
    Reply drainingReply() const;
    Reply tooLarge() const;
    Reply badParameter(const MailParameters& parameters);
    Reply refusalOf(Recipient::Standing standing) const;
    Reply addRecipient(const gateway::MailboxId& mailbox);
    /// The reply to a sender that misses a pin of the connection; nothing where it may go on.
    std::optional<Reply> missesPin(const gateway::MailboxId& mailbox, const gateway::Allow& allow);
    bool sharesContentPins(const gateway::Allow* allow) const;
    void report(const gateway::MailboxId& mailbox, TurnedAway::Reason reason, bool observed,
                const std::string& seen);
    bool introduce(std::string_view name);
    void dropTransaction();

    const Options& m_options;
    House& m_house;
    std::string m_peer;
    TlsInfo m_tls;
    std::string m_clientName = "unknown";
    bool m_extended = false;  ///< EHLO, not HELO
    State m_state = State::Connected;
    Envelope m_envelope;
    std::uint64_t m_declaredSize = 0;  ///< SIZE= of MAIL
    std::uint64_t m_chunkOctets = 0;   ///< announced so far in this transaction
    bool m_chunkFailed = false;        ///< until RSET, MAIL or EHLO
    std::size_t m_badCommands = 0;
};

}  // namespace smtp
