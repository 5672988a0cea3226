// Looks after the files of the certificate while the server runs: takes what was renewed, by this
// program or another, and refuses what would be worse than the one in use. Never serves anything.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "acme/certificate_store.h"

namespace acme {

/// Blocking; one thread at a time.
class CertificateWatch {
public:
    explicit CertificateWatch(CertificateStore& store) : m_store(store) {}

    /// The pair that serves from the start on, or from a reload on, whatever its faults: mail goes
    /// on with a certificate that ended yesterday. Throws Error where there is none to be used.
    std::shared_ptr<const gateway::net::TlsContext> load(const CertificateSource& source);

    struct Look {
        std::shared_ptr<const gateway::net::TlsContext> fresh;  ///< to be used from now on
        std::string refused;  ///< why what the files hold now is not used
        bool news = false;    ///< `refused` was not told before
    };
    /// What the files of load() hold now, against the one in use. What cannot be used is refused
    /// only when a second look finds it unchanged: it may be a pair that is just being copied.
    Look look(const gateway::net::CertificateFacts& inUse, gateway::WallTime now);

private:
    std::string stampOf() const;
    /// What to use from now on; null where m_refusal says why not.
    std::shared_ptr<const gateway::net::TlsContext> judge(
        const gateway::net::CertificateFacts& inUse, gateway::WallTime now);
    Look renewed(const gateway::net::CertificateFacts& inUse);

    CertificateStore& m_store;
    CertificateSource m_source;
    std::string m_taken;   ///< the stamp of what is in use
    std::string m_judged;  ///< of what was refused last
    gateway::WallTime m_judgedAt;
    std::string m_refusal;
    std::string m_told;  ///< the refusal that was news last
};

}  // namespace acme
