// Owners of OpenSSL's objects, for the files of this room that work with keys and certificates.
// Never seen outside it.
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "gateway/net/tls.h"

namespace acme {

using gateway::net::OpensslFree;

using Bio = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using Pkey = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;

/// Reads `text`, which must outlive it.
inline Bio bioOf(const std::string& text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// What was written into it.
inline std::string textOf(const Bio& bio) {
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(length)};
}

/// Null where it is no PEM private key without a passphrase.
inline Pkey privateKeyOf(const std::string& pem) {
    // A passphrase would make OpenSSL prompt on the terminal: none is ever given.
    const auto refuse = [](char*, int, int, void*) { return 0; };
    return Pkey(PEM_read_bio_PrivateKey(bioOf(pem).get(), nullptr, refuse, nullptr));
}

/// PKCS #8; empty where OpenSSL refuses.
inline std::string pemOf(const Pkey& key) {
    const Bio bio(BIO_new(BIO_s_mem()));
    return PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                         nullptr) == 1
               ? textOf(bio)
               : std::string();
}

}  // namespace acme
