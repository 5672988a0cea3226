// One POP3 session as a value: a line in, a Reply out. Knows no socket, no clock, no file, no key.
// RFC 1939, 2449 (CAPA), 2595 (STLS), 3206 (SYS, AUTH), 5034 (AUTH PLAIN), 6856 (UTF8: accepted,
// changes nothing). LOGIN-DELAY, APOP, LANG are left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/password.h"
#include "gateway/mail/mailbox_id.h"
#include "gateway/mail/message_id.h"
#include "pop3/reply.h"

namespace pop3 {

struct Options {
    std::string hostname;
    std::string domain;
    std::size_t maxCommandLine =
        4096;  ///< octets without CRLF (RFC 5034 section 4 asks for long lines)
    std::size_t maxBadCommands = 20;
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

/// A message as the session shows it: RFC 1939 section 7 UIDL, section 11 sizes.
struct Entry {
    Entry(gateway::MessageId messageId, std::uint64_t retrSize)
        : id(std::move(messageId)), octets(retrSize) {}
    gateway::MessageId id;
    std::uint64_t octets;  ///< exactly what RETR sends, before dot-stuffing
};

/// What RETR or TOP asked for.
struct Requested {
    std::size_t index = 0;               ///< into the entries given to onUnlocked()
    std::optional<std::uint64_t> lines;  ///< TOP: body lines; RETR: nothing
};

class Session {
public:
    explicit Session(const Options& options);

    Reply greet() const;
    /// One line without its CRLF, any octets. The caller wipes its buffer afterwards.
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
    /// with the last of them. False once all was given out.
    bool nextListing(std::string& out);

    /// After Then::SendMessage. `octets` as in the entry.
    Requested requested() const;
    Reply onMessageOpened();   ///< "+OK …"; the body follows through a DotWriter
    Reply onMessageRefused();  ///< -ERR [SYS/PERM]

    /// After Then::Remove: indexes of the deleted messages, in order. Empty is possible.
    const std::vector<std::size_t>& marked() const;
    Reply onRemoved();
    Reply onRemoveFailed();

    bool secured() const;
    /// The line with its secret replaced, for a log: "PASS [not logged]".
    std::string loggable(std::string_view line) const;
};

}  // namespace pop3
