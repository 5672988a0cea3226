// The certificate this server shows: self-signed ones made and kept here, or the admin's own files.
// Never leaves a key readable to others, never replaces a pair that works by one that does not.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "gateway/net/tls.h"

namespace acme {

/// Where the certificate comes from.
struct CertificateSource {
    std::vector<std::string> names;     ///< that it must have; the first is the server's own
    std::filesystem::path certificate;  ///< PEM, as the key; empty: a self-signed one
    std::filesystem::path key;          ///< may be the same file
    bool isSelfSigned() const { return certificate.empty(); }
};

/// Why clients that check certificates would not take this one for `host`; empty where they would,
/// as far as its own content tells.
std::string faultOf(const gateway::net::CertificateFacts& facts, const std::string& host,
                    gateway::WallTime now);

/// Blocking: at start, on reload and in scheduled jobs.
class CertificateStore {
public:
    /// `folder` is `tls/` of the data directory; made where it is missing.
    CertificateStore(std::filesystem::path folder, std::string minimumTls);

    /// The self-signed certificate for `names`. Makes one at first, and again (with the same key,
    /// so that pins hold) where it lacks a name or ends within kRenewBeforeDays.
    std::shared_ptr<const gateway::net::TlsContext> selfSigned(
        const std::vector<std::string>& names);

    /// The admin's own PEM files. Throws Error naming the file and what is wrong with it.
    std::shared_ptr<const gateway::net::TlsContext> files(const std::filesystem::path& certificate,
                                                          const std::filesystem::path& key);

    /// What the source says, by one of the two above.
    std::shared_ptr<const gateway::net::TlsContext> load(const CertificateSource& source);

    /// Whether a self-signed one is to be renewed.
    static bool isDue(const gateway::net::CertificateFacts& facts,
                      const std::vector<std::string>& names);

    std::filesystem::path certificateFile() const { return m_folder / "self-signed.crt"; }
    std::filesystem::path keyFile() const { return m_folder / "self-signed.key"; }

    static constexpr int kLifetimeDays = 825;
    static constexpr int kRenewBeforeDays = 90;

private:
    bool stillServes(const std::vector<std::string>& names) const;
    void make(const std::vector<std::string>& names) const;

    std::filesystem::path m_folder;
    std::string m_minimumTls;
};

}  // namespace acme
