// One SMTP session as a value: a line in, a Reply out. Knows no socket, no clock, no file.
// RFC 5321, 1870 (SIZE), 2034 (enhanced codes), 2920 (pipelining), 3030 (CHUNKING, not BINARYMIME),
// 3207 (STARTTLS), 6152 (8BITMIME), 6531 (SMTPUTF8).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mail/drop.h"
#include "gateway/mail/message_id.h"
#include "smtp/command_parser.h"
#include "smtp/reply.h"

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
    explicit Recipient(crypto::SealKey current)
        : standing(Standing::Active), key(std::move(current)) {}
    Standing standing;
    std::optional<crypto::SealKey> key;  ///< where Active: what the message is sealed to
};

/// What the house says at this moment; asked at each command that depends on it. Never blocks.
class House {
public:
    virtual ~House() = default;
    virtual Recipient recipient(const gateway::MailboxId& mailbox) const = 0;
    /// Octets a message may still have before the disk guard (`min_free`) is touched.
    virtual std::uint64_t room() const = 0;
    virtual bool draining() const = 0;
};

/// TLS as it was negotiated; empty before.
struct TlsInfo {
    std::string version;  ///< "TLSv1.3"
    std::string cipher;   ///< "TLS_AES_256_GCM_SHA384"
    explicit operator bool() const { return !version.empty(); }
};

/// A transaction so far: RFC 5321 4.1.1.2, 4.1.1.3.
struct Envelope {
    struct To {
        To(gateway::Drop target, std::string as)
            : drop(std::move(target)), address(std::move(as)) {}
        gateway::Drop drop;
        std::string address;  ///< as accepted: "mbx-…@domain", lower case
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
    Trouble      ///< 451 4.3.0: ours, logged with its cause
};

class Session {
public:
    /// `options` and `house` must outlive the session. `peer` is the client's address, for texts.
    Session(const Options& options, const House& house, std::string peer);

    /// 220, or 421 where draining (RFC 5321 3.1).
    Reply greet() const;
    /// One line without its CRLF, any octets.
    Reply onCommand(std::string_view line);
    /// A line that exceeded maxCommandLine; its octets were dropped.
    Reply onLineTooLong();
    /// The handshake after StartTls (or implicit TLS) is done: all state before it is forgotten.
    void onTls(TlsInfo tls);

    /// A chunk that was not the last was read whole and is within the size: 250.
    Reply onChunk(std::uint64_t octets);
    /// The message of the transaction is durable for every recipient. Ends the transaction: take
    /// from envelope() before what is still needed after; so does onRefused().
    Reply onStored(const gateway::MessageId& id);
    /// It is not, and nothing of it is left. After a failed chunk that was not the last further
    /// chunks get 503 until RSET, MAIL or EHLO (RFC 3030 section 2).
    Reply onRefused(Refusal refusal);

    /// Whether chunks of a message were taken and more may follow. Once it is false again without
    /// onStored() or onRefused(), the transaction was dropped, and with it what was read.
    bool receivesChunks() const { return m_state == State::GotChunk; }

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
    Reply outOfOrder(const Command& command);
    Reply drainingReply() const;
    Reply tooLarge() const;
    Reply badParameter(const MailParameters& parameters);
    Reply refusalOf(Recipient::Standing standing) const;
    Reply addRecipient(const gateway::MailboxId& mailbox);
    bool introduce(std::string_view name);
    void dropTransaction();

    const Options& m_options;
    const House& m_house;
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
