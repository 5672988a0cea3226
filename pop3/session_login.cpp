// The AUTHORIZATION state of a POP3 session: RFC 1939 section 4, RFC 2595 (STLS), 5034 and 4616
// (AUTH PLAIN). Never tells an unknown mailbox from a wrong password, and keeps no password but in
// a Login.
#include <algorithm>

#include "crypto/base64.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "pop3/sasl_plain.h"
#include "pop3/session.h"

namespace pop3 {

// RFC 2595 section 4: what was said before the handshake could have been said by anybody.
void Session::onTls() {
    m_secured = true;
    m_state = State::Authorization;
    m_user.reset();
    m_login.reset();
}

Login Session::takeLogin() {
    if (!m_login) {
        throw gateway::Error(gateway::Error::Kind::Internal,
                             "POP3 session: a login was taken that nobody gave");
    }
    Login login = std::move(*m_login);
    m_login.reset();
    return login;
}

Reply Session::onUnlocked(std::vector<Entry> entries) {
    m_state = State::Transaction;
    m_maildrop = Maildrop(std::move(entries));
    return Reply("+OK " + describeMaildrop());
}

Reply Session::onLoginRefused(LoginRefusal refusal) {
    m_state = State::Authorization;
    switch (refusal) {
        case LoginRefusal::WrongPassword:  // RFC 3206 section 5
            return refuseLogin(
                "[AUTH] Unknown mailbox or wrong password; check both where this mailbox is set "
                "up for fetching");
        case LoginRefusal::InUse:  // RFC 2449 section 8.1.2
            return refuseLogin("[IN-USE] Another session has this mailbox open; try again later");
        case LoginRefusal::Trouble:  // RFC 3206 section 4
            return refuseLogin(
                "[SYS/TEMP] The gateway is in trouble or busy; nothing is wrong with the "
                "password, try again later");
        case LoginRefusal::Broken:  // RFC 3206 section 4
            return refuseLogin(
                "[SYS/PERM] The key of this mailbox is damaged; have the gateway's admin run "
                "'postern check'");
    }
    throw gateway::Error(gateway::Error::Kind::Internal, "POP3 session: an unknown refusal");
}

Reply Session::stls(std::string_view) {
    if (m_secured) {
        return refuse("TLS is on already");  // RFC 2595 section 4
    }
    return Reply("+OK Begin TLS now", Then::StartTls);
}

// Any name is taken, so that nobody learns here which mailboxes exist (RFC 1939 section 7, USER).
Reply Session::user(std::string_view arguments) {
    const std::string_view name = arguments.substr(0, arguments.find_last_not_of(' ') + 1);
    if (name.empty()) {
        return refuse("Give the mailbox: USER mbx-...");  // RFC 1939 section 7
    }
    m_user = std::string(name);
    return Reply("+OK Now the password");
}

// Everything after "PASS " is the password, blanks and all (RFC 1939 section 7).
Reply Session::pass(std::string_view arguments) {
    if (!m_user) {
        return refuse("Give the mailbox first, with USER");  // RFC 1939 section 7
    }
    if (arguments.empty()) {
        return refuse("Give the password: PASS ...");  // RFC 1939 section 7
    }
    const std::string name = std::move(*m_user);
    m_user.reset();
    return unlock(name, arguments);
}

Reply Session::auth(std::string_view arguments) {
    m_user.reset();
    const std::size_t blank = std::min(arguments.find(' '), arguments.size());
    if (!gateway::equalsIgnoringCase(arguments.substr(0, blank), "PLAIN")) {
        return refuse("Only AUTH PLAIN is offered");  // RFC 5034 section 4
    }
    if (blank == arguments.size()) {
        m_state = State::SaslResponse;
        return Reply("+ ");
    }
    const std::string_view initial = arguments.substr(blank + 1);
    return plain(initial == "=" ? std::string_view()
                                : initial);  // RFC 5034 section 4: "=" is empty
}

Reply Session::onSaslResponse(std::string_view line) {
    m_state = State::Authorization;
    if (line == "*") {
        return Reply("-ERR The login was cancelled, as you asked");  // RFC 5034 section 4
    }
    return plain(line);
}

Reply Session::plain(std::string_view encoded) {
    const auto decoded = crypto::decodeSecretBase64(encoded);
    if (!decoded) {
        return refuse("This is no base64");  // RFC 5034 section 4
    }
    const auto message = parsePlain(decoded->text());
    if (!message) {
        return refuse("This is no message of SASL PLAIN");  // RFC 4616 section 2
    }
    const std::string_view actAs = message->authorizationId;
    const std::string_view login = message->authenticationId;
    const bool oneself = actAs.empty() || actAs == login ||
                         (mailboxOf(actAs) && mailboxOf(actAs) == mailboxOf(login));
    if (!oneself) {
        // RFC 4616 section 2
        return refuseLogin("[AUTH] Nobody may act for another mailbox; leave that name empty");
    }
    return unlock(login, message->password);
}

Reply Session::unlock(std::string_view name, std::string_view password) {
    m_login.emplace(mailboxOf(name), crypto::Password(password));
    m_state = State::Unlocking;
    return Reply("", Then::Unlock);
}

Reply Session::refuseLogin(std::string_view why) {
    const bool enough = ++m_failedLogins >= m_options.maxFailedLogins;
    return Reply("-ERR " + std::string(why), enough ? Then::Close : Then::ReadCommand);
}

std::optional<gateway::MailboxId> Session::mailboxOf(std::string_view name) const {
    const std::size_t at = name.find('@');
    if (at != std::string_view::npos &&
        !gateway::equalsIgnoringCase(name.substr(at + 1), m_options.domain)) {
        return std::nullopt;
    }
    return gateway::MailboxId::parse(name.substr(0, at));
}

}  // namespace pop3
