// The half of the session that is about one message: MAIL, RCPT, DATA, BDAT and their outcome.
// Never reads a message: it says how many octets of it come, and hears what became of them.
// RFC 5321 4.1.1.2 to 4.1.1.5, RFC 1870, RFC 3030 section 2, RFC 6531.
#include <algorithm>
#include <utility>

#include "gateway/base/text.h"
#include "smtp/session.h"

namespace smtp {

namespace {

using gateway::equalsIgnoringCase;

constexpr std::string_view kDiskFull =
    "This server is short of disk space; keep the mail and retry";

Reply skipping(std::uint64_t octets, Reply reply) {
    reply.then = Then::SkipChunk;
    reply.octets = octets;
    return reply;
}

TurnedAway::Reason reasonOf(Recipient::Standing standing) {
    using Standing = Recipient::Standing;
    switch (standing) {
        case Standing::Suspended:
            return TurnedAway::Reason::Suspended;
        case Standing::Deleted:
            return TurnedAway::Reason::Deleted;
        case Standing::Unknown:
            return TurnedAway::Reason::UnknownMailbox;
        case Standing::Active:
        case Standing::Unreadable:
            break;
    }
    return TurnedAway::Reason::UnreadableRecord;
}

TurnedAway::Reason reasonOf(ConnectionPin pin) {
    switch (pin) {
        case ConnectionPin::Network:
            return TurnedAway::Reason::Network;
        case ConnectionPin::Tls:
            return TurnedAway::Reason::Tls;
        case ConnectionPin::Certificate:
            break;
    }
    return TurnedAway::Reason::Certificate;
}

TurnedAway::Reason reasonOf(ContentPin pin) {
    return pin == ContentPin::OriginatorOrg ? TurnedAway::Reason::OriginatorOrg
                                            : TurnedAway::Reason::NoJournalReport;
}

/// Whether one copy of `size` octets (0: not known) for each of `count` recipients fits.
bool fits(std::uint64_t size, std::uint64_t count, std::uint64_t room) {
    return room > 0 && size <= room / count;
}

}  // namespace

Reply Session::mail(std::string_view argument) {
    if (m_house.draining()) {
        return drainingReply();  // RFC 5321 3.8
    }
    const auto cut = parsePathArgument(argument, "FROM:");
    if (!cut) {
        return bad(501, "5.5.4", "Write MAIL FROM:<address>");  // RFC 5321 4.1.1.2
    }
    // The local part may be longer than 64 octets: VERP, SRS and IMCEAEX addresses are, and a
    // refusal would lose the mail. "To the maximum extent possible" no limit: RFC 5321 4.5.3.1.
    auto sender = parseAddress(cut->path);
    if (!sender) {
        return bad(501, "5.1.7", "The sender's address is malformed or longer than 256 octets");
    }
    const MailParameters parameters = parseMailParameters(cut->parameters);
    if (parameters.fault != MailParameters::Fault::None) {
        return badParameter(parameters);
    }
    if (parameters.size > m_options.maxMessageSize) {
        return tooLarge();  // RFC 1870 6.1 (2)
    }
    if (parameters.size > m_house.room()) {
        return {452, "4.3.1", std::string(kDiskFull)};  // RFC 1870 6.1 (1)
    }
    dropTransaction();
    m_envelope.reversePath = std::move(sender->text);
    m_envelope.utf8 = parameters.utf8;
    m_declaredSize = parameters.size;
    m_state = State::GotMail;
    return {250, "2.1.0", "Sender ok"};
}

Reply Session::badParameter(const MailParameters& parameters) {
    using Fault = MailParameters::Fault;
    if (parameters.fault == Fault::Oversized) {
        return tooLarge();  // RFC 1870 6.1
    }
    const std::string name = gateway::printable(parameters.keyword, 64);
    if (parameters.fault == Fault::NotOffered) {
        return bad(555, "5.5.4", "Parameter not offered here: " + name);  // RFC 5321 4.1.1.11
    }
    return bad(501, "5.5.4", "Parameter malformed or given twice: " + name);  // RFC 5321 4.1.2
}

Reply Session::tooLarge() const {
    return {552, "5.3.4",
            "The message is larger than the " + std::to_string(m_options.maxMessageSize) +
                " octets this server takes (max_message_size)"};
}

Reply Session::rcpt(std::string_view argument) {
    const auto cut = parsePathArgument(argument, "TO:");
    if (!cut) {
        return bad(501, "5.5.4", "Write RCPT TO:<address>");  // RFC 5321 4.1.1.3
    }
    const auto address = parseAddress(cut->path);
    const bool postmaster = address && equalsIgnoringCase(address->localPart, "postmaster");
    if (!address || address->localPart.size() > kLongestLocalPart ||
        (address->domain.empty() && !postmaster)) {
        return bad(501, "5.1.3",
                   "The recipient's address is malformed, too long, or has no domain");
    }
    if (!cut->parameters.empty()) {
        return bad(555, "5.5.4", "RCPT takes no parameters here");  // RFC 5321 4.1.1.11
    }
    if (!address->domain.empty() && !equalsIgnoringCase(address->domain, m_options.domain)) {
        return {550, "5.7.1",  // RFC 5321 3.6.2, 7.9: no relay
                "This server takes mail for " + m_options.domain + " only; check the recipient"};
    }
    const auto mailbox = postmaster && m_options.postmaster
                             ? m_options.postmaster
                             : gateway::MailboxId::parse(address->localPart);
    if (!mailbox) {
        return {550, "5.1.1",
                "No such mailbox; addresses here are mbx- and 32 hex digits, check the recipient"};
    }
    return addRecipient(*mailbox);
}

Reply Session::addRecipient(const gateway::MailboxId& mailbox) {
    const auto isMailbox = [&](const Envelope::To& to) { return to.drop.mailbox == mailbox; };
    if (std::any_of(m_envelope.to.begin(), m_envelope.to.end(), isMailbox)) {
        return {250, "2.1.5", "Recipient ok, named before"};
    }
    Recipient recipient = m_house.recipient(mailbox);
    if (!recipient.key) {
        report(mailbox, reasonOf(recipient.standing), false, "");
        return refusalOf(recipient.standing);
    }
    if (recipient.allow) {
        if (auto refusal = missesPin(mailbox, *recipient.allow)) {
            return std::move(*refusal);
        }
    }
    if (!sharesContentPins(recipient.allow.get())) {
        return {452, "4.5.3",
                "This mailbox looks at mail otherwise than the ones before it; send it its own"};
    }
    if (m_envelope.to.size() >= m_options.maxRecipients) {
        return {452, "4.5.3", "Too many recipients; send the mail again to the others"};
    }
    if (!fits(m_declaredSize, m_envelope.to.size() + 1, m_house.room())) {
        return {452, "4.3.1", std::string(kDiskFull)};
    }
    m_envelope.to.emplace_back(gateway::Drop(mailbox, std::move(*recipient.key)),
                               mailbox.str() + '@' + gateway::lowered(m_options.domain),
                               std::move(recipient.allow));
    m_state = State::GotRcpt;
    return {250, "2.1.5", "Recipient ok"};
}

std::optional<Reply> Session::missesPin(const gateway::MailboxId& mailbox,
                                        const gateway::Allow& allow) {
    std::string seen;
    const auto missed = missedPin(allow, m_peer, m_tls, seen);
    const bool observed = allow.mode == gateway::Allow::Mode::Observe;
    if (missed) {
        report(mailbox, reasonOf(*missed), observed, seen);
    }
    if (!missed || observed) {
        return std::nullopt;
    }
    switch (*missed) {
        case ConnectionPin::Network:
            return Reply(550, "5.7.1",
                         "This mailbox takes no mail from " + m_peer +
                             "; ask its administrator to allow your network");
        case ConnectionPin::Tls:
            return Reply(450, "4.7.0", "This mailbox takes mail under TLS only; send STARTTLS");
        case ConnectionPin::Certificate:
            break;
    }
    return Reply(450, "4.7.0",
                 "This mailbox takes mail with the right client certificate only; send STARTTLS "
                 "and a certificate its administrator allowed");
}

/// One reply stands for all recipients (RFC 5321 4.1.1.4), so what looks at the message must look
/// for the same in all of them. Pins that only observe refuse nothing.
bool Session::sharesContentPins(const gateway::Allow* allow) const {
    const auto inForce = [](const gateway::Allow* pins) {
        const bool enforced = pins != nullptr && pins->mode == gateway::Allow::Mode::Enforce;
        return enforced ? std::pair(gateway::lowered(pins->originatorOrg), pins->onlyJournalReports)
                        : std::pair(std::string(), false);
    };
    return m_envelope.to.empty() || inForce(m_envelope.to.front().allow.get()) == inForce(allow);
}

bool Session::refusesContent(const OuterHeader& header) {
    bool refuses = false;
    for (const Envelope::To& to : m_envelope.to) {
        std::string seen;
        const auto missed = to.allow ? missedPin(*to.allow, header, seen) : std::nullopt;
        if (missed) {
            const bool observed = to.allow->mode == gateway::Allow::Mode::Observe;
            report(to.drop.mailbox, reasonOf(*missed), observed, seen);
            refuses = refuses || !observed;
        }
    }
    return refuses;
}

void Session::report(const gateway::MailboxId& mailbox, TurnedAway::Reason reason, bool observed,
                     const std::string& seen) {
    m_house.onTurnedAway({mailbox, reason, observed, m_peer, seen});
}

/// Only what will never be is a 5xx: a 5xx loses the mail.
Reply Session::refusalOf(Recipient::Standing standing) const {
    using Standing = Recipient::Standing;
    if (standing == Standing::Deleted) {
        return {550, "5.1.1", "This mailbox was deleted; stop sending to it"};
    }
    if (standing == Standing::Suspended) {
        return {450, "4.2.1",
                "This mailbox is suspended by its administrator; keep the mail and retry"};
    }
    if (standing == Standing::Unknown && m_options.rejectUnknown) {
        return {550, "5.1.1", "This server does not know this mailbox"};
    }
    // An unknown one may be on its way here, in a restore or from a twin.
    const std::string why = standing == Standing::Unknown
                                ? "This server does not know this mailbox yet"
                                : "This mailbox cannot be used just now";
    return {451, "4.3.0",
            why + "; keep the mail and retry, and tell the administrator of " + m_options.hostname};
}

Reply Session::data(std::string_view) {
    return {354, "", "Send the message; end it with a line that holds only a dot", Then::ReadData};
}

Reply Session::bdat(std::string_view argument) {
    const auto chunk = parseChunk(argument);
    if (!chunk) {
        return chunkOfUnknownLength();
    }
    if (m_state < State::GotRcpt) {
        const std::string_view why = m_chunkFailed ? "An earlier chunk failed; send RSET first"
                                     : m_state == State::GotMail
                                         ? "No recipient was accepted; send RCPT first"
                                         : "Send MAIL and RCPT first";
        return skipping(chunk->octets, {503, "5.5.1", std::string(why)});  // RFC 3030 section 2
    }
    if (chunk->malformedEnd) {
        dropTransaction();
        m_chunkFailed = true;
        return skipping(chunk->octets, {501, "5.5.4", "Only LAST may stand behind the octets"});
    }
    if (chunk->octets > m_options.maxMessageSize - m_chunkOctets) {
        dropTransaction();
        m_chunkFailed = true;
        return skipping(chunk->octets, tooLarge());  // RFC 1870 6.3
    }
    m_chunkOctets += chunk->octets;
    m_state = State::GotChunk;
    Reply reply(250, "2.0.0", "", Then::ReadChunk);
    reply.octets = chunk->octets;
    reply.last = chunk->last;
    return reply;
}

Reply Session::onChunk(std::uint64_t octets) {
    return {250, "2.0.0", std::to_string(octets) + " octets received"};
}

Reply Session::onStored(const gateway::MessageId& id) {
    dropTransaction();
    return {250, "2.0.0", id.str() + " stored"};
}

Reply Session::onRefused(Refusal refusal) {
    const bool byChunks = m_state == State::GotChunk;
    dropTransaction();
    m_chunkFailed = byChunks;
    switch (refusal) {
        case Refusal::TooLarge:
            return tooLarge();  // RFC 1870 6.3
        case Refusal::DiskFull:
            return {452, "4.3.1", std::string(kDiskFull)};
        case Refusal::NotAllowed:
            return {550, "5.7.1",
                    "This mailbox takes journal reports of its own organisation only; check the "
                    "journal rule, or ask the mailbox's administrator what it allows"};
        case Refusal::KeyChanged:
            return {451, "4.3.0", "The mailbox's key has just changed; keep the mail and retry"};
        case Refusal::Trouble:
            break;
    }
    return {451, "4.3.0",
            "The message could not be stored; keep the mail and retry, and tell the administrator "
            "of " +
                m_options.hostname};
}

}  // namespace smtp
