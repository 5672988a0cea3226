#include "smtp/trace_headers.h"

namespace smtp {

namespace {

constexpr std::size_t kColumns = 78;  // RFC 5322 2.1.1

/// "([192.0.2.1])": TCP-info of RFC 5321 4.4, the peer's address as a literal (4.1.3).
std::string tcpInfo(const std::string& peer) {
    const bool ipv6 = peer.find(':') != std::string::npos;
    return std::string(ipv6 ? "([IPv6:" : "([") + peer + "])";
}

/// Puts clauses behind one another, and on a new line where the present one has no room.
class FoldedField {
public:
    explicit FoldedField(std::string name) : m_text(std::move(name)), m_column(m_text.size()) {}

    void add(const std::string& clause) {
        const bool fold = m_column + 1 + clause.size() > kColumns;
        m_text += fold ? "\r\n " : " ";
        m_text += clause;
        m_column = (fold ? 0 : m_column) + 1 + clause.size();
    }

    std::string text() const { return m_text + "\r\n"; }

private:
    std::string m_text;
    std::size_t m_column;
};

}  // namespace

std::string traceHeaders(const Session& session, const Options& options, const std::string& peer,
                         const Envelope::To& to, const gateway::MessageId& id,
                         gateway::WallTime now) {
    FoldedField received("Received:");
    received.add("from " + session.clientName());
    received.add(tcpInfo(peer));
    received.add("by " + options.hostname);
    received.add("with " + session.protocolName());
    if (session.tls()) {
        received.add("(" + session.tls().version + " " + session.tls().cipher + ")");
    }
    const bool alone = session.envelope().to.size() == 1;
    received.add("id " + id.str() + (alone ? "" : ";"));
    if (alone) {
        received.add("for <" + to.address + ">;");
    }
    received.add(gateway::formatMailDate(now));
    return "Return-Path: <" + session.envelope().reversePath + ">\r\nDelivered-To: " + to.address +
           "\r\n" + received.text();
}

}  // namespace smtp
