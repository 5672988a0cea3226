#include "smtp/sender_pins.h"

#include <algorithm>

#include "gateway/base/text.h"

namespace smtp {

namespace {

using gateway::Allow;
using gateway::equalsIgnoringCase;

/// Of a line, and of a field, as much is looked at: what is pinned is shorter.
constexpr std::size_t kMostOctets = 1024;

/// RFC 9525 6.3: a `*` in a certificate stands for one label, the left-most.
bool covers(std::string_view certified, std::string_view pinned) {
    if (certified.starts_with("*.")) {
        const std::size_t dot = pinned.find('.');
        return dot != 0 && dot != std::string_view::npos &&
               equalsIgnoringCase(certified.substr(1), pinned.substr(dot));
    }
    return equalsIgnoringCase(certified, pinned);
}

bool certifiesOneOf(const std::vector<std::string>& pinned,
                    const std::vector<std::string>& certified) {
    return std::any_of(pinned.begin(), pinned.end(), [&](const std::string& name) {
        return std::any_of(certified.begin(), certified.end(),
                           [&](const std::string& has) { return covers(has, name); });
    });
}

std::string describe(const TlsInfo& tls) {
    if (tls.certificateNames.empty()) {
        return "certificate: " + tls.certificateFault;
    }
    std::string text = "certificate for";
    for (const std::string& name : tls.certificateNames) {
        text += ' ' + name;
    }
    return gateway::printable(text);
}

}  // namespace

std::optional<ConnectionPin> missedPin(const Allow& allow, const std::string& peer,
                                       const TlsInfo& tls, std::string& seen) {
    const auto holds = [&](const gateway::Network& network) { return network.contains(peer); };
    if (!allow.networks.empty() &&
        std::none_of(allow.networks.begin(), allow.networks.end(), holds)) {
        seen = peer;
        return ConnectionPin::Network;
    }
    if (allow.tls != Allow::Tls::Any && !tls) {
        seen = "no TLS";
        return ConnectionPin::Tls;
    }
    if (allow.tls == Allow::Tls::Certificate &&
        !certifiesOneOf(allow.certificateNames, tls.certificateNames)) {
        seen = describe(tls);
        return ConnectionPin::Certificate;
    }
    return std::nullopt;
}

void OuterHeader::push(std::string_view octets) {
    while (!m_complete && !octets.empty()) {
        const std::size_t lf = octets.find('\n');
        const std::string_view part = octets.substr(0, lf);
        m_line += part.substr(0, kMostOctets - std::min(m_line.size(), kMostOctets));
        if (lf == std::string_view::npos) {
            return;
        }
        takeLine();
        octets.remove_prefix(lf + 1);
    }
}

void OuterHeader::finish() {
    if (!m_complete && !m_line.empty()) {
        takeLine();
    }
    if (!m_complete) {
        finishField();
        m_complete = true;
    }
}

void OuterHeader::takeLine() {
    if (m_line.ends_with('\r')) {
        m_line.pop_back();
    }
    if (m_line.empty()) {
        finishField();
        m_complete = true;
        return;
    }
    if (m_line.front() == ' ' || m_line.front() == '\t') {  // RFC 5322 2.2.3: folded
        m_field += m_line.substr(0, kMostOctets - std::min(m_field.size(), kMostOctets));
    } else {
        finishField();
        m_field = m_line;
    }
    m_line.clear();
}

void OuterHeader::finishField() {
    const std::size_t colon = m_field.find(':');
    if (colon == std::string::npos) {
        m_field.clear();  // no field at all
        return;
    }
    const std::string_view field = m_field;
    // RFC 5322 4.5.8: obsolete, but a second field must not hide behind a blank.
    const std::string_view name = gateway::trimmed(field.substr(0, colon));
    if (equalsIgnoringCase(name, "X-MS-Journal-Report")) {
        m_journalReport = true;
    } else if (equalsIgnoringCase(name, "X-OriginatorOrg")) {
        ++m_originatorOrgs;
        m_originatorOrg = gateway::trimmed(field.substr(colon + 1));
    }
    m_field.clear();
}

std::string OuterHeader::originatorOrg() const {
    return m_originatorOrgs == 1 ? m_originatorOrg : std::string();
}

std::optional<ContentPin> missedPin(const Allow& allow, const OuterHeader& header,
                                    std::string& seen) {
    if (allow.onlyJournalReports && !header.journalReport()) {
        seen = "no X-MS-Journal-Report";
        return ContentPin::NoJournalReport;
    }
    if (!allow.originatorOrg.empty() &&
        !equalsIgnoringCase(header.originatorOrg(), allow.originatorOrg)) {
        seen = header.originatorOrgs() == 1
                   ? "X-OriginatorOrg: " + gateway::printable(header.originatorOrg())
                   : std::to_string(header.originatorOrgs()) + " X-OriginatorOrg fields";
        return ContentPin::OriginatorOrg;
    }
    return std::nullopt;
}

}  // namespace smtp
