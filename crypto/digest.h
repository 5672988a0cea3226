// SHA-256 (FIPS 180-4) of octets. Never for passwords, which can be guessed: password_hash.h.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace crypto {

std::array<std::byte, 32> sha256(std::span<const std::byte> octets);

/// The same of octets that come in parts; by OpenSSL, which uses what the processor has for it.
class Sha256 {
public:
    Sha256();
    void update(std::span<const std::byte> octets);
    /// Of all of them; nothing may come after it.
    std::array<std::byte, 32> finish();

private:
    struct Release {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Release> m_context;
};

}  // namespace crypto
