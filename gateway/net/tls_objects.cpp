#include "gateway/net/tls_objects.h"

#include <array>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "gateway/base/error.h"

namespace gateway::net {

std::string textOf(BIO* bio) {
    char* data = nullptr;
    const long length = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(length)};
}

void fail(const std::string& what) {
    std::array<char, 256> reason{};
    const unsigned long code = ERR_get_error();
    ERR_error_string_n(code, reason.data(), reason.size());
    ERR_clear_error();
    throw Error(Error::Kind::Tls, code == 0 ? what : what + " (" + reason.data() + ")");
}

Bio readOnly(std::string_view text) {
    Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!bio) {
        fail("TLS: out of memory");
    }
    return bio;
}

X509Ptr nextCertificate(BIO* bio) {
    // For a passphrase OpenSSL would ask at the terminal, and wait: none is ever given.
    const auto refuse = [](char*, int, int, void*) { return -1; };
    return X509Ptr(PEM_read_bio_X509(bio, nullptr, refuse, nullptr));
}

Pkey privateKeyOf(std::string_view pem) {
    const Bio bio = readOnly(pem);
    // As above.
    const auto refuse = [](char*, int, int, void*) { return 0; };
    return Pkey(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse, nullptr));
}

std::string pemOf(const X509* certificate) {
    const Bio bio(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_X509(bio.get(), certificate) != 1) {
        fail("cannot write a certificate");
    }
    return textOf(bio.get());
}

std::string pemOf(const EVP_PKEY* key) {
    const Bio bio(BIO_new(BIO_s_mem()));
    if (PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        fail("cannot write a private key");
    }
    return textOf(bio.get());
}

}  // namespace gateway::net
