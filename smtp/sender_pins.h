// Whether a sender is one of those that a mailbox's pins name, by its connection and by the header
// of what it sends. Never looks into a message beyond its own (outer) header, and never changes it.
// RFC 5322 2.2 (fields), RFC 9525 6.3 (names in certificates).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mail/allow.h"

namespace smtp {

/// TLS as it was negotiated; empty before.
struct TlsInfo {
    std::string version;  ///< "TLSv1.3"
    std::string cipher;   ///< "TLS_AES_256_GCM_SHA384"
    /// DNS names of the client's certificate, where one was asked for, given and valid.
    std::vector<std::string> certificateNames{};
    std::string certificateFault{};  ///< why there are none: "none was given", "has expired", …
    explicit operator bool() const { return !version.empty(); }
};

/// The pins about a connection.
enum class ConnectionPin { Network, Tls, Certificate };

/// The first of them that this sender misses; `seen` is what it had instead.
std::optional<ConnectionPin> missedPin(const gateway::Allow& allow, const std::string& peer,
                                       const TlsInfo& tls, std::string& seen);

/// Reads the fields that pins are about from a message as it is stored, in any pieces. Linear time,
/// bounded memory.
class OuterHeader {
public:
    /// The next octets; lines end by CRLF.
    void push(std::string_view octets);
    /// The message ends, perhaps within its header.
    void finish();

    bool journalReport() const { return m_journalReport; }  ///< X-MS-Journal-Report, of any value
    std::size_t originatorOrgs() const { return m_originatorOrgs; }
    /// The value of the only X-OriginatorOrg; empty where there is none or more than one.
    std::string originatorOrg() const;

private:
    void takeLine();
    void finishField();

    bool m_complete = false;
    bool m_journalReport = false;
    std::size_t m_originatorOrgs = 0;
    std::string m_originatorOrg;
    std::string m_line;   ///< the present one, cut
    std::string m_field;  ///< unfolded, cut
};

/// The pins about content.
enum class ContentPin { OriginatorOrg, NoJournalReport };

/// The first of them that this message misses; `seen` is what it had instead.
std::optional<ContentPin> missedPin(const gateway::Allow& allow, const OuterHeader& header,
                                    std::string& seen);

}  // namespace smtp
