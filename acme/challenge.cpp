#include "acme/challenge.h"

#include <algorithm>
#include <array>

#include "crypto/digest.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/net/tls_objects.h"

namespace acme {

namespace {

using gateway::Error;
using gateway::net::Extension;
using gateway::net::OpensslFree;
using gateway::net::pemOf;
using gateway::net::Pkey;
using gateway::net::TlsContext;
using gateway::net::TlsProtocol;
using gateway::net::X509Ptr;

using Oid = std::unique_ptr<ASN1_OBJECT, OpensslFree<ASN1_OBJECT_free>>;
using OctetString = std::unique_ptr<ASN1_OCTET_STRING, OpensslFree<ASN1_OCTET_STRING_free>>;

constexpr const char* kAcmeIdentifier = "1.3.6.1.5.5.7.1.31";  // RFC 8737 section 6.1
constexpr long kChallengeSeconds = 7L * 86400;                 ///< more than any order lasts

void require(bool done) {
    if (!done) {
        throw Error(Error::Kind::Tls, "cannot make the certificate that answers tls-alpn-01");
    }
}

/// RFC 8737 section 3: the hash as an OCTET STRING within the one that every extension is.
Extension acmeIdentifier(std::string_view keyAuthorization) {
    const auto digest = crypto::sha256(gateway::octetsOf(keyAuthorization));
    std::array<unsigned char, 34> inner{0x04, 32};
    std::transform(digest.begin(), digest.end(), inner.begin() + 2,
                   [](std::byte octet) { return static_cast<unsigned char>(octet); });
    const OctetString value(ASN1_OCTET_STRING_new());
    const Oid oid(OBJ_txt2obj(kAcmeIdentifier, 1));
    require(value && oid &&
            ASN1_OCTET_STRING_set(value.get(), inner.data(), static_cast<int>(inner.size())) == 1);
    return Extension(X509_EXTENSION_create_by_OBJ(nullptr, oid.get(), 1, value.get()));
}

X509Ptr challengeCertificate(const std::string& name, std::string_view keyAuthorization,
                             EVP_PKEY* key) {
    X509Ptr made(X509_new());
    require(made != nullptr);
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), kChallengeSeconds);
    X509_set_pubkey(made.get(), key);
    X509_NAME* const subject = X509_get_subject_name(made.get());
    const std::array<unsigned char, 5> common{'a', 'c', 'm', 'e', 0};
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common.data(), -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    const Extension names(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + name).c_str()));
    const Extension identifier = acmeIdentifier(keyAuthorization);
    require(names && identifier && X509_add_ext(made.get(), names.get(), -1) == 1 &&
            X509_add_ext(made.get(), identifier.get(), -1) == 1 &&
            X509_sign(made.get(), key, EVP_sha256()) != 0);
    return made;
}

}  // namespace

void Challenges::add(std::string token, std::string keyAuthorization) {
    m_tokens[std::move(token)] = std::move(keyAuthorization);
}

void Challenges::remove(std::string_view token) {
    if (const auto found = m_tokens.find(token); found != m_tokens.end()) {
        m_tokens.erase(found);
    }
}

const std::string* Challenges::find(std::string_view token) const {
    const auto found = m_tokens.find(token);
    return found == m_tokens.end() ? nullptr : &found->second;
}

void Challenges::addTlsAlpn(std::string_view name, std::shared_ptr<const TlsContext> context) {
    m_tlsAlpn[gateway::lowered(name)] = std::move(context);
}

void Challenges::removeTlsAlpn(std::string_view name) { m_tlsAlpn.erase(gateway::lowered(name)); }

std::shared_ptr<const TlsContext> Challenges::findTlsAlpn(std::string_view name) const {
    const std::string lower = gateway::lowered(name);
    if (const auto found = m_tlsAlpn.find(lower); found != m_tlsAlpn.end()) {
        return found->second;
    }
    const auto now = std::chrono::system_clock::now();
    for (const Borrowed& borrowed : m_borrowed) {
        if (borrowed.context && borrowed.name == lower && borrowed.until > now) {
            return borrowed.context;
        }
    }
    return nullptr;
}

const std::string* Challenges::findBorrowed(std::string_view name, std::string_view token) const {
    const auto now = std::chrono::system_clock::now();
    for (const Borrowed& borrowed : m_borrowed) {
        if (!borrowed.context && borrowed.token == token && borrowed.until > now &&
            gateway::equalsIgnoringCase(borrowed.name, name)) {
            return &borrowed.keyAuthorization;
        }
    }
    return nullptr;
}

bool isToken(std::string_view text) {
    return !text.empty() && text.size() <= kLongestToken &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_';
           });
}

std::shared_ptr<const TlsContext> makeTlsAlpnContext(const std::string& name,
                                                     std::string_view keyAuthorization) {
    const Pkey key(EVP_EC_gen("P-256"));
    require(key != nullptr);
    const X509Ptr certificate = challengeCertificate(name, keyAuthorization, key.get());
    return std::make_shared<TlsContext>(pemOf(certificate.get()), pemOf(key.get()), "1.2",
                                        TlsProtocol::AcmeTls);
}

}  // namespace acme
