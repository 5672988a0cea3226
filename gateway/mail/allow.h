// A mailbox's pins: which senders it takes mail from (`allow.*` of SPEC section 2).
// Never judges a sender itself: that is smtp's.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "gateway/base/network.h"

namespace gateway {

/// What an `allow` statement says. Without one everybody may send.
struct Allow {
    enum class Mode {
        Observe,  ///< a miss is counted and shown, the mail is taken
        Enforce   ///< a miss refuses the mail
    };
    enum class Tls {
        Any,
        Required,
        Certificate  ///< TLS, and a valid client certificate for one of `certificateNames`
    };

    Mode mode = Mode::Observe;
    std::vector<Network> networks;  ///< empty: from anywhere
    Tls tls = Tls::Any;
    std::vector<std::string> certificateNames;
    std::string originatorOrg;  ///< what X-OriginatorOrg must say; empty: anything
    bool onlyJournalReports = false;

    /// From the fields `mode`, `networks`, `tls`, `certificate_names`, `originator_org` and
    /// `only_journal_reports`, each of which may be missing; others are a later version's. Nothing
    /// where one is malformed; `why` says which and what to write.
    static std::optional<Allow> parse(const nlohmann::json& fields, std::string& why);

    /// Whether a pin looks at the message itself.
    bool looksInside() const { return !originatorOrg.empty() || onlyJournalReports; }
    /// Whether it pins anything at all.
    bool pins() const { return !networks.empty() || tls != Tls::Any || looksInside(); }
    /// In words for people: "from 192.0.2.0/24, under TLS (enforced)".
    std::string describe() const;
};

}  // namespace gateway
