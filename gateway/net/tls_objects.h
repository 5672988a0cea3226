// OpenSSL's objects as owners, and its failures as Errors: for the files that speak to it.
// Never seen beyond gateway/net/tls* and acme/.
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "gateway/net/tls.h"

namespace gateway::net {

using Bio = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using Pkey = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;

/// Throws Error(Tls) with OpenSSL's reason, and empties its queue.
[[noreturn]] void fail(const std::string& what);

/// `text` must outlive it.
Bio readOnly(std::string_view text);

/// The next certificate of a PEM text; null where none follows. A sealed one is none.
X509Ptr nextCertificate(BIO* bio);

/// Null where it is no PEM private key without a passphrase.
Pkey privateKeyOf(std::string_view pem);

/// What was written to a BIO in memory.
std::string textOf(BIO* bio);

std::string pemOf(const X509* certificate);
/// Without a passphrase (PKCS #8).
std::string pemOf(const EVP_PKEY* key);

}  // namespace gateway::net
