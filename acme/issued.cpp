#include "acme/issued.h"

#include <chrono>
#include <ctime>
#include <span>

#include <openssl/err.h>

#include "crypto/base64.h"
#include "gateway/net/tls_objects.h"

namespace acme {

namespace {

using gateway::net::X509Ptr;

std::string encoded(const unsigned char* octets, std::size_t size) {
    return crypto::encodeBase64(std::as_bytes(std::span(octets, size)), crypto::Base64::Url);
}

X509Ptr firstOf(const std::string& pem) {
    X509Ptr certificate = gateway::net::nextCertificate(gateway::net::readOnly(pem).get());
    ERR_clear_error();
    return certificate;
}

std::optional<gateway::WallTime> timeOf(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) {
        return std::nullopt;
    }
    constexpr int kLeastYear = 70;  // from 1900
    constexpr int kMostYear = 350;  // what a clock of nanoseconds can hold
    if (parts.tm_year < kLeastYear || parts.tm_year > kMostYear) {
        return std::nullopt;
    }
    return std::chrono::system_clock::from_time_t(::timegm(&parts));
}

/// RFC 9773 section 4.1: issuer's key identifier and serial number, the octets of the DER values
/// without tag and length; a leading zero of the serial number is one of them.
std::string idOf(X509* certificate) {
    const ASN1_OCTET_STRING* const key = X509_get0_authority_key_id(certificate);
    unsigned char* serial = nullptr;
    const int length = i2d_ASN1_INTEGER(X509_get_serialNumber(certificate), &serial);
    constexpr int kTagAndLength = 2;
    std::string id;
    if (key != nullptr && length > kTagAndLength) {
        id =
            encoded(ASN1_STRING_get0_data(key), static_cast<std::size_t>(ASN1_STRING_length(key))) +
            '.' + encoded(serial + kTagAndLength, static_cast<std::size_t>(length - kTagAndLength));
    }
    OPENSSL_free(serial);
    return id;
}

}  // namespace

std::optional<Held> heldOf(const std::string& pem) {
    const X509Ptr certificate = firstOf(pem);
    if (!certificate) {
        return std::nullopt;
    }
    const auto begins = timeOf(X509_get0_notBefore(certificate.get()));
    const auto ends = timeOf(X509_get0_notAfter(certificate.get()));
    if (!begins || !ends) {
        return std::nullopt;
    }
    return Held{*begins, *ends, gateway::net::dnsNames(certificate.get()), idOf(certificate.get()),
                gateway::net::certificateFacts(pem).sha256};
}

std::string encodedCertificate(const std::string& pem) {
    const X509Ptr certificate = firstOf(pem);
    unsigned char* der = nullptr;
    const int length = certificate ? i2d_X509(certificate.get(), &der) : 0;
    std::string text = length > 0 ? encoded(der, static_cast<std::size_t>(length)) : std::string();
    OPENSSL_free(der);
    return text;
}

}  // namespace acme
