#include "acme/certificate_watch.h"

#include <sys/stat.h>
#include <utility>

#include "gateway/base/error.h"
#include "gateway/base/text.h"

namespace acme {

namespace {

using gateway::Error;
using gateway::net::CertificateFacts;

/// What was refused for its dates may have become right, and what is in use worse.
constexpr std::chrono::minutes kJudgedAgain{1};

/// What changes whenever the file does; the file itself is not opened.
std::string stampOf(const std::filesystem::path& file) {
    struct stat found{};
    if (::stat(file.c_str(), &found) != 0) {
        return "none";
    }
    std::string stamp;
    const auto add = [&](auto number) { stamp += std::to_string(number) + ' '; };
    add(found.st_dev);
    add(found.st_ino);
    add(found.st_size);
    add(found.st_mode);
    for (const timespec& time : {found.st_mtim, found.st_ctim}) {
        add(time.tv_sec);
        add(time.tv_nsec);
    }
    return stamp;
}

}  // namespace

std::string CertificateWatch::stampOf() const {
    return m_source.isSelfSigned()
               ? acme::stampOf(m_store.certificateFile()) + acme::stampOf(m_store.keyFile())
               : acme::stampOf(m_source.certificate) + acme::stampOf(m_source.key);
}

std::shared_ptr<const gateway::net::TlsContext> CertificateWatch::load(
    const CertificateSource& source) {
    const CertificateSource before = std::exchange(m_source, source);
    try {
        std::string stamp = stampOf();
        auto context = m_store.load(source);
        // Of a self-signed one, load() may have written the files.
        m_taken = source.isSelfSigned() ? stampOf() : std::move(stamp);
        m_judged.clear();
        return context;
    } catch (...) {
        m_source = before;
        throw;
    }
}

CertificateWatch::Look CertificateWatch::look(const CertificateFacts& inUse,
                                              gateway::WallTime now) {
    const std::string stamp = stampOf();
    if (m_source.isSelfSigned()) {
        const bool same = stamp == m_taken && !CertificateStore::isDue(inUse, m_source.names);
        return same ? Look() : renewed(inUse);
    }
    if (stamp == m_taken) {
        m_judged.clear();
        m_told.clear();
        return {};
    }
    const bool settled = stamp == m_judged;
    Look look;
    if (!settled || now - m_judgedAt >= kJudgedAgain) {
        m_judged = stamp;
        m_judgedAt = now;
        look.fresh = judge(inUse, now);
    }
    if (settled && !look.fresh) {
        look.refused = m_refusal;
        look.news = m_refusal != m_told;
        m_told = m_refusal;
    }
    return look;
}

std::shared_ptr<const gateway::net::TlsContext> CertificateWatch::judge(
    const CertificateFacts& inUse, gateway::WallTime now) {
    try {
        auto found = m_store.load(m_source);
        const std::string& host = m_source.names.front();
        const std::string fault = faultOf(found->facts(), host, now);
        if (fault.empty() || !faultOf(inUse, host, now).empty()) {
            m_taken = m_judged;
            m_told.clear();
            return found;
        }
        m_refusal = m_source.certificate.native() + ": " + fault;
    } catch (const Error& error) {
        m_refusal = error.what();
    }
    return nullptr;
}

CertificateWatch::Look CertificateWatch::renewed(const CertificateFacts& inUse) {
    Look look;
    auto found = m_store.load(m_source);
    m_taken = stampOf();
    if (found->facts().sha256 != inUse.sha256) {
        look.fresh = std::move(found);
    }
    return look;
}

}  // namespace acme
