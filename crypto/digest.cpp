#include "crypto/digest.h"

#include <openssl/evp.h>
#include <sodium.h>

#include "crypto/c_octets.h"
#include "gateway/base/error.h"

namespace crypto {

namespace {

/// Looked up once: OpenSSL would search its providers anew for every message.
const EVP_MD* algorithm() {
    static const EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return found;
}

void require(int result) {
    if (result != 1) {
        throw gateway::Error(gateway::Error::Kind::Internal, "OpenSSL refused SHA-256");
    }
}

}  // namespace

std::array<std::byte, 32> sha256(std::span<const std::byte> octets) {
    std::array<std::byte, 32> digest{};
    crypto_hash_sha256(asOutput(digest), asInput(octets), octets.size());
    return digest;
}

void Sha256::Release::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : m_context(EVP_MD_CTX_new()) {
    require(m_context ? EVP_DigestInit_ex(m_context.get(), algorithm(), nullptr) : 0);
}

void Sha256::update(std::span<const std::byte> octets) {
    require(EVP_DigestUpdate(m_context.get(), octets.data(), octets.size()));
}

std::array<std::byte, 32> Sha256::finish() {
    std::array<std::byte, 32> digest{};
    require(EVP_DigestFinal_ex(m_context.get(), asOutput(digest), nullptr));
    return digest;
}

}  // namespace crypto
