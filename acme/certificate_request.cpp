#include "acme/certificate_request.h"

#include <span>

#include <openssl/err.h>

#include "crypto/digest.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/net/tls_objects.h"

namespace acme {

namespace {

using gateway::Error;
using gateway::net::Extension;
using gateway::net::OpensslFree;
using gateway::net::Pkey;
using Request = std::unique_ptr<X509_REQ, OpensslFree<X509_REQ_free>>;

struct FreeExtensions {
    void operator()(STACK_OF(X509_EXTENSION) * stack) const {
        sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free);
    }
};
using Extensions = std::unique_ptr<STACK_OF(X509_EXTENSION), FreeExtensions>;

void require(bool done) {
    if (!done) {
        ERR_clear_error();
        throw Error(Error::Kind::Tls, "cannot make a key or a certificate request");
    }
}

}  // namespace

std::string makeCertificateKey() {
    const Pkey key(EVP_EC_gen("P-256"));
    require(key != nullptr);
    return gateway::net::pemOf(key.get());
}

std::string publicKeySha256(const std::string& keyPem) {
    const Pkey key = gateway::net::privateKeyOf(keyPem);
    ERR_clear_error();
    unsigned char* encoded = nullptr;
    const int length = key ? i2d_PUBKEY(key.get(), &encoded) : 0;
    std::string digest;
    if (length > 0) {
        const std::span octets(encoded, static_cast<std::size_t>(length));
        digest = gateway::hexOf(crypto::sha256(std::as_bytes(octets)));
    }
    OPENSSL_free(encoded);
    return digest;
}

std::string certificateRequest(const std::string& keyPem, const std::vector<std::string>& names) {
    const Pkey key = gateway::net::privateKeyOf(keyPem);
    const Request request(X509_REQ_new());
    require(key && request);
    std::string alternatives;
    for (const std::string& name : names) {
        alternatives += (alternatives.empty() ? "DNS:" : ",DNS:") + name;
    }
    const Extensions extensions(sk_X509_EXTENSION_new_null());
    const Extension alternativeNames(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternatives.c_str()));
    auto* list = extensions.get();
    require(extensions && alternativeNames &&
            X509v3_add_ext(&list, alternativeNames.get(), -1) != nullptr);  // adds a copy
    require(X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1 &&
            X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
            X509_REQ_add_extensions(request.get(), extensions.get()) == 1 &&
            X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0);
    unsigned char* encoded = nullptr;
    const int length = i2d_X509_REQ(request.get(), &encoded);
    require(length > 0);
    std::string der(reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(length));
    OPENSSL_free(encoded);
    return der;
}

}  // namespace acme
