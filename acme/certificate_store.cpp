#include "acme/certificate_store.h"

#include <algorithm>

#include "gateway/base/clock.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"

namespace acme {

namespace {

using gateway::Error;

/// Chains of a dozen certificates stay far below.
constexpr std::size_t kMostPem = std::size_t{1024} * 1024;

std::string list(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : ", ") + gateway::printable(name);
    }
    return text.empty() ? "no host at all" : text;
}

}  // namespace

std::string faultOf(const gateway::net::CertificateFacts& facts, const std::string& host,
                    gateway::WallTime now) {
    if (facts.ends <= now) {
        return "it ended at " + gateway::formatTimestamp(facts.ends);
    }
    if (facts.begins > now) {
        return "it is not valid before " + gateway::formatTimestamp(facts.begins);
    }
    if (!gateway::net::covers(facts.names, host)) {
        return "it does not name " + host + ", but " + list(facts.names);
    }
    return {};
}

CertificateStore::CertificateStore(std::filesystem::path folder, std::string minimumTls)
    : m_folder(std::move(folder)), m_minimumTls(std::move(minimumTls)) {}

std::shared_ptr<const gateway::net::TlsContext> CertificateStore::selfSigned(
    const std::vector<std::string>& names) {
    gateway::makeDurableDirectory(m_folder);
    if (!stillServes(names)) {
        make(names);
    }
    return files(certificateFile(), keyFile());
}

std::shared_ptr<const gateway::net::TlsContext> CertificateStore::files(
    const std::filesystem::path& certificate, const std::filesystem::path& key) {
    const std::string certificatePem = gateway::readWhole(certificate, kMostPem);
    const std::string keyPem = gateway::readWhole(key, kMostPem);
    try {
        return std::make_shared<gateway::net::TlsContext>(certificatePem, keyPem, m_minimumTls);
    } catch (const Error& error) {
        throw Error(Error::Kind::Tls, "certificate " + certificate.native() + " with key " +
                                          key.native() + ": " + error.what());
    }
}

std::shared_ptr<const gateway::net::TlsContext> CertificateStore::load(
    const CertificateSource& source) {
    return source.isSelfSigned() ? selfSigned(source.names) : files(source.certificate, source.key);
}

bool CertificateStore::isDue(const gateway::net::CertificateFacts& facts,
                             const std::vector<std::string>& names) {
    return facts.daysLeft <= kRenewBeforeDays ||
           !std::all_of(names.begin(), names.end(), [&](const std::string& name) {
               return std::find(facts.names.begin(), facts.names.end(), name) != facts.names.end();
           });
}

bool CertificateStore::stillServes(const std::vector<std::string>& names) const {
    if (!std::filesystem::exists(certificateFile()) || !std::filesystem::exists(keyFile())) {
        return false;
    }
    try {
        const std::string pem = gateway::readWhole(certificateFile(), kMostPem);
        const gateway::net::CertificateFacts facts = gateway::net::certificateFacts(pem);
        const gateway::net::TlsContext usable(pem, gateway::readWhole(keyFile(), kMostPem),
                                              m_minimumTls);
        return !isDue(facts, names);
    } catch (const Error& error) {
        if (error.kind() != Error::Kind::Tls) {
            throw;  // a file that cannot be read is not replaced
        }
        gateway::log::warning("the self-signed certificate is unusable; making a new one",
                              {{"file", certificateFile().native()}, {"cause", error.what()}});
        return false;
    }
}

void CertificateStore::make(const std::vector<std::string>& names) const {
    std::string key;
    if (std::filesystem::exists(keyFile())) {
        key = gateway::readWhole(keyFile(), kMostPem);
    }
    gateway::net::CertificateAndKey made;
    try {
        made = gateway::net::makeSelfSigned(names, kLifetimeDays, key);
    } catch (const Error&) {
        made = gateway::net::makeSelfSigned(names, kLifetimeDays);  // the kept key is damaged
    }
    // The key first: a certificate without its key would be found unusable and made again.
    gateway::writeDurably(keyFile(), made.key);
    gateway::writeDurably(certificateFile(), made.certificate,
                          gateway::DurableFile::Existing::Replace, 0644);
    const auto facts = gateway::net::certificateFacts(made.certificate);
    gateway::log::notice("self-signed certificate made",
                         {{"file", certificateFile().native()},
                          {"days", static_cast<unsigned long long>(facts.daysLeft)},
                          {"spki_sha256", facts.publicKeySha256}});
}

}  // namespace acme
