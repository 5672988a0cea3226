// One POP3 session as a value: a line in, a Reply out. Knows no socket, no clock, no file, no key.
// RFC 1939, 2449 (CAPA), 2595 (STLS), 3206 (SYS, AUTH), 5034 (AUTH PLAIN), 6856 (UTF8: accepted,
// changes nothing). LOGIN-DELAY, APOP, LANG are left out.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/password.h"
#include "gateway/mail/mailbox_id.h"
#include "pop3/maildrop.h"
#include "pop3/reply.h"

namespace pop3 {

struct Options {
    std::string hostname;
    std::string domain;
    std::size_t maxCommandLine =
        4096;  ///< octets without CRLF (RFC 5034 section 4 asks for long lines)
    std::size_t maxBadCommands = 20;
    /// Then the connection is closed. No lock-out: a poller may come back at once, and for ever.
    std::size_t maxFailedLogins = 5;
};

/// Who wants in. No mailbox: the name has no form of ours; the same work is done all the same.
struct Login {
    Login(std::optional<gateway::MailboxId> who, crypto::Password secret)
        : mailbox(std::move(who)), password(std::move(secret)) {}
    std::optional<gateway::MailboxId> mailbox;
    crypto::Password password;
};

enum class LoginRefusal {
    WrongPassword,  ///< or unknown mailbox: -ERR [AUTH], the same text for both
    InUse,          ///< -ERR [IN-USE]
    Trouble,        ///< -ERR [SYS/TEMP]
    Broken          ///< -ERR [SYS/PERM]: the sealed identity is not the mailbox's own
};

/// Why RETR or TOP gets no message.
enum class MessageRefusal {
    Damaged,  ///< -ERR [SYS/PERM]: it cannot be opened with the mailbox's key
    Trouble   ///< -ERR [SYS/TEMP]: its file cannot be read just now
};

/// What RETR or TOP asked for.
struct Requested {
    std::size_t index = 0;               ///< into the entries given to onUnlocked()
    std::optional<std::uint64_t> lines;  ///< TOP: body lines; RETR: nothing
};

class Session {
public:
    /// `options` must outlive the session.
    explicit Session(const Options& options);

    Reply greet() const;
    /// One line without its CRLF, any octets. The caller wipes its buffer afterwards. Not to be
    /// called between a Then other than ReadCommand and the call that answers it.
    Reply onCommand(std::string_view line);
    Reply onLineTooLong();
    /// TLS is on (STLS, or from the start): state before it is forgotten.
    void onTls();

    /// After Then::Unlock; once.
    Login takeLogin();
    /// `entries` in order of arrival; they are the messages 1…n of this session.
    Reply onUnlocked(std::vector<Entry> entries);
    Reply onLoginRefused(LoginRefusal refusal);

    /// After Then::SendListing: appends the next lines (at most about a thousand), the final dot
    /// with the last of them. False with those last ones, and from then on.
    bool nextListing(std::string& out);

    /// After Then::SendMessage. `octets` as in the entry.
    Requested requested() const;
    Reply onMessageOpened();  ///< "+OK …"; the body follows through a DotWriter
    Reply onMessageRefused(MessageRefusal refusal);

    /// After Then::Remove: indexes of the deleted messages, in order. Empty is possible.
    const std::vector<std::size_t>& marked() const;
    Reply onRemoved();
    Reply onRemoveFailed();

    bool secured() const;
    /// The line as a log may show it, to be asked before onCommand(): "PASS [not logged]". Of
    /// unknown commands only the length: what looks like one may be a password out of step.
    std::string loggable(std::string_view line) const;

private:
    enum class State {
        Authorization,
        SaslResponse,  ///< a challenge was sent; the next line answers it
        Unlocking,
        Transaction,
        Update
    };
    enum class Listing { Sizes, UniqueIds };
    struct Command;
    static const std::array<Command, 26> kCommands;

    static const Command* commandOf(std::string_view line);
    /// Why `command` is out of place now; nothing where it is not.
    std::optional<std::string> misplaced(const Command& command) const;
    /// A bad command; the last one allowed closes.
    Reply refuse(std::string_view why);

    Reply capa(std::string_view arguments);
    Reply quit(std::string_view arguments);
    Reply utf8(std::string_view arguments);
    Reply notOffered(std::string_view arguments);
    Reply notHttp(std::string_view arguments);

    Reply stls(std::string_view arguments);
    Reply user(std::string_view arguments);
    Reply pass(std::string_view arguments);
    Reply auth(std::string_view arguments);
    Reply onSaslResponse(std::string_view line);
    /// `encoded`: the base64 of a message of SASL PLAIN.
    Reply plain(std::string_view encoded);
    Reply unlock(std::string_view name, std::string_view password);
    /// Counts a failed login; the last one allowed closes.
    Reply refuseLogin(std::string_view why);
    std::optional<gateway::MailboxId> mailboxOf(std::string_view name) const;

    Reply stat(std::string_view arguments);
    Reply list(std::string_view arguments);
    Reply uidl(std::string_view arguments);
    Reply retr(std::string_view arguments);
    Reply top(std::string_view arguments);
    Reply dele(std::string_view arguments);
    Reply rset(std::string_view arguments);
    Reply noop(std::string_view arguments);
    Reply listing(Listing kind, std::string_view arguments);
    /// One line of a listing, without CRLF: RFC 1939 section 5 "scan listing", section 7
    /// "unique-id listing".
    std::string listingLine(Listing kind, std::size_t index) const;
    Reply noSuchMessage() const;
    /// "3 messages (4567 octets)"
    std::string describeMaildrop() const;

    const Options& m_options;
    State m_state = State::Authorization;
    bool m_secured = false;
    std::size_t m_badCommands = 0;
    std::size_t m_failedLogins = 0;
    std::optional<std::string> m_user;
    std::optional<Login> m_login;
    Maildrop m_maildrop;
    Listing m_listing = Listing::Sizes;
    std::optional<std::size_t> m_nextListed;  ///< index; nothing where no listing is under way
    Requested m_requested;
    std::vector<std::size_t> m_marked;
};

}  // namespace pop3
