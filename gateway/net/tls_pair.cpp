#include "gateway/net/tls_pair.h"

#include <algorithm>
#include <string>
#include <vector>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>

#include "gateway/base/error.h"
#include "gateway/net/tls_objects.h"

namespace gateway::net {

namespace {

using Library = std::unique_ptr<OSSL_LIB_CTX, OpensslFree<OSSL_LIB_CTX_free>>;
using Provider = std::unique_ptr<OSSL_PROVIDER, OpensslFree<OSSL_PROVIDER_unload>>;
using Pkcs12 = std::unique_ptr<PKCS12, OpensslFree<PKCS12_free>>;

/// Longer ones than any authority's; a file is not to cost more than it is worth.
constexpr std::size_t kMostCertificates = 32;

struct Parts {
    Pkey key;
    std::vector<X509Ptr> certificates;
};

/// The certificate of the key, and behind it those that lead to its root, which clients have.
std::string chainOf(const Parts& parts) {
    X509* last = nullptr;  // OpenSSL 3.0 takes no const where it only looks
    std::string pem;
    for (const X509Ptr& each : parts.certificates) {
        if (last == nullptr && X509_check_private_key(each.get(), parts.key.get()) == 1) {
            last = each.get();
            pem = pemOf(last);
        }
    }
    ERR_clear_error();  // a certificate that is another key's counts as an error there
    if (last == nullptr) {
        throw Error(Error::Kind::Tls, "the key is the one of no certificate in it");
    }
    for (std::size_t i = 0; i < parts.certificates.size(); ++i) {
        const auto issuer = std::find_if(
            parts.certificates.begin(), parts.certificates.end(), [&](const X509Ptr& each) {
                return each.get() != last && X509_check_issued(each.get(), last) == X509_V_OK &&
                       X509_check_issued(each.get(), each.get()) != X509_V_OK;
            });
        if (issuer == parts.certificates.end()) {
            break;
        }
        last = issuer->get();
        pem += pemOf(last);
    }
    return pem;
}

/// Windows seals with RC2 and triple DES to this day, which OpenSSL keeps apart.
struct OldCiphers {
    OldCiphers()
        : library(OSSL_LIB_CTX_new()),
          standard(OSSL_PROVIDER_load(library.get(), "default")),
          legacy(OSSL_PROVIDER_load(library.get(), "legacy")) {}
    Library library;
    Provider standard;
    Provider legacy;  ///< none where this machine's OpenSSL came without it
};

/// Nothing where it is no PKCS #12 file.
Pkcs12 parsePkcs12(std::string_view octets, const OldCiphers& ciphers) {
    const Bio bio = readOnly(octets);
    PKCS12* parsed = PKCS12_init_ex(NID_pkcs7_data, ciphers.library.get(), nullptr);
    PKCS12* const given = parsed;
    if (d2i_PKCS12_bio(bio.get(), &parsed) == nullptr) {
        // It freed what it was given, and says so by a null pointer.
        Pkcs12(parsed == given ? given : nullptr).reset();
        ERR_clear_error();
        return nullptr;
    }
    return Pkcs12(parsed);
}

/// Whether it is the right passphrase, without one in either of the two ways there are to seal.
bool opens(PKCS12* sealed, const std::string& passphrase, const char*& used) {
    used = passphrase.c_str();
    if (PKCS12_verify_mac(sealed, used, static_cast<int>(passphrase.size())) == 1) {
        return true;
    }
    used = nullptr;
    return passphrase.empty() && PKCS12_verify_mac(sealed, nullptr, 0) == 1;
}

std::optional<Parts> partsOf(PKCS12* sealed, const OldCiphers& ciphers, std::string& passphrase) {
    if (PKCS12_mac_present(sealed) != 1) {
        throw Error(Error::Kind::Tls, "nothing proves that the PFX file is whole (it has no MAC)");
    }
    const char* used = nullptr;
    if (!opens(sealed, passphrase, used)) {
        ERR_clear_error();
        return std::nullopt;
    }
    EVP_PKEY* key = nullptr;
    X509* certificate = nullptr;
    STACK_OF(X509)* others = nullptr;
    if (PKCS12_parse(sealed, used, &key, &certificate, &others) != 1) {
        fail(ciphers.legacy ? "the PFX file cannot be opened"
                            : "the PFX file cannot be opened: it may need the legacy provider of "
                              "OpenSSL, which this machine does not have");
    }
    Parts parts;
    parts.key.reset(key);
    if (certificate != nullptr) {
        parts.certificates.emplace_back(certificate);
    }
    while (others != nullptr && sk_X509_num(others) > 0) {
        parts.certificates.emplace_back(sk_X509_shift(others));
    }
    sk_X509_free(others);
    return parts;
}

struct Asked {
    const std::string& passphrase;
    bool any = false;
};

int givePassphrase(char* into, int size, int, void* given) {
    auto* const asked = static_cast<Asked*>(given);
    asked->any = true;
    const std::string& passphrase = asked->passphrase;
    if (passphrase.empty() || passphrase.size() > static_cast<std::size_t>(size)) {
        return -1;
    }
    passphrase.copy(into, passphrase.size());
    return static_cast<int>(passphrase.size());
}

std::optional<Parts> partsOfPem(std::string_view text, const std::string& passphrase) {
    Parts parts;
    const Bio certificates = readOnly(text);
    while (X509Ptr next = nextCertificate(certificates.get())) {
        parts.certificates.push_back(std::move(next));
        if (parts.certificates.size() > kMostCertificates) {
            throw Error(Error::Kind::Tls, "it holds more than " +
                                              std::to_string(kMostCertificates) + " certificates");
        }
    }
    ERR_clear_error();  // the end of the text counts as an error there
    const Bio keys = readOnly(text);
    Asked asked{passphrase};
    parts.key.reset(PEM_read_bio_PrivateKey(keys.get(), nullptr, givePassphrase, &asked));
    ERR_clear_error();
    if (!parts.key && asked.any) {
        return std::nullopt;
    }
    return parts;
}

/// A copy that is wiped at its end: OpenSSL wants a terminated text.
struct Passphrase {
    explicit Passphrase(std::string_view given) : text(given) {}
    ~Passphrase() { OPENSSL_cleanse(text.data(), text.size()); }
    Passphrase(const Passphrase&) = delete;
    Passphrase& operator=(const Passphrase&) = delete;
    std::string text;
};

}  // namespace

std::optional<CertificateAndKey> readPair(std::string_view octets, std::string_view passphrase) {
    Passphrase given(passphrase);
    std::optional<Parts> parts;
    const OldCiphers ciphers;
    const Pkcs12 sealed = parsePkcs12(octets, ciphers);
    if (sealed) {
        parts = partsOf(sealed.get(), ciphers, given.text);
    } else {
        parts = partsOfPem(octets, given.text);
    }
    if (!parts) {
        return std::nullopt;
    }
    if (parts->certificates.empty() || !parts->key) {
        const std::string lacks =
            parts->certificates.empty()
                ? (parts->key ? "no certificate" : "neither certificate nor key")
                : "no private key";
        throw Error(Error::Kind::Tls,
                    "it holds " + lacks + "; it must have both, as PEM or as PKCS #12 (PFX)");
    }
    return CertificateAndKey{chainOf(*parts), pemOf(parts->key.get())};
}

}  // namespace gateway::net
