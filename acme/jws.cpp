#include "acme/jws.h"

#include <array>
#include <span>
#include <vector>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/net/tls_objects.h"

namespace acme {

namespace {

using gateway::net::OpensslFree;
using nlohmann::json;

using MdContext = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, OpensslFree<ECDSA_SIG_free>>;
using Number = std::unique_ptr<BIGNUM, OpensslFree<BN_free>>;

constexpr std::size_t kCoordinate = 32;  ///< octets, of P-256

void require(bool done) {
    if (!done) {
        ERR_clear_error();
        throw gateway::Error(gateway::Error::Kind::Internal,
                             "OpenSSL refused to work with the key of the ACME account");
    }
}

std::string encoded(std::span<const std::byte> octets) {
    return crypto::encodeBase64(octets, crypto::Base64::Url);
}

std::string encoded(std::string_view text) { return encoded(gateway::octetsOf(text)); }

std::span<const std::byte> viewOf(std::span<const unsigned char> octets) {
    return std::as_bytes(octets);
}

/// RFC 7518 section 6.2.1.2: always of full length.
std::string coordinate(const EVP_PKEY* key, const char* name) {
    BIGNUM* raw = nullptr;
    require(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
    const Number number(raw);
    std::array<unsigned char, kCoordinate> octets{};
    require(BN_bn2binpad(number.get(), octets.data(), kCoordinate) == int{kCoordinate});
    return encoded(viewOf(octets));
}

std::string jwkOf(const EVP_PKEY* key) {
    // Members in lexicographic order, no blanks: RFC 7638 section 3.
    return R"({"crv":"P-256","kty":"EC","x":")" + coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X) +
           R"(","y":")" + coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y) + R"("})";
}

bool isP256(const EVP_PKEY* key) {
    std::array<char, 64> group{};
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
           std::string_view(group.data()) == SN_X9_62_prime256v1;
}

/// RFC 7518 section 3.4: r and s behind one another, not the DER that OpenSSL gives.
std::string signEs256(EVP_PKEY* key, std::string_view text) {
    const MdContext context(EVP_MD_CTX_new());
    require(context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1);
    const auto* const input = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    require(EVP_DigestSign(context.get(), nullptr, &size, input, text.size()) == 1);
    std::vector<unsigned char> der(size);
    require(EVP_DigestSign(context.get(), der.data(), &size, input, text.size()) == 1);
    const unsigned char* at = der.data();
    const Signature parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
    require(parts != nullptr);
    std::array<unsigned char, 2 * kCoordinate> octets{};
    require(BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), octets.data(), kCoordinate) > 0 &&
            BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), octets.data() + kCoordinate, kCoordinate) >
                0);
    return encoded(viewOf(octets));
}

json flattened(const std::string& header, const std::string& payload, std::string signature) {
    return {{"protected", header}, {"payload", payload}, {"signature", std::move(signature)}};
}

}  // namespace

void AccountKey::Release::operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

AccountKey::AccountKey(Key key) : m_key(std::move(key)), m_jwk(jwkOf(m_key.get())) {}

AccountKey AccountKey::make() {
    Key key(EVP_EC_gen("P-256"));
    require(key != nullptr);
    return AccountKey(std::move(key));
}

std::optional<AccountKey> AccountKey::parse(const std::string& pem) {
    gateway::net::Pkey key = gateway::net::privateKeyOf(pem);
    ERR_clear_error();
    if (!key || !isP256(key.get())) {
        return std::nullopt;
    }
    return AccountKey(Key(key.release()));
}

std::string AccountKey::pem() const { return gateway::net::pemOf(m_key.get()); }

std::string AccountKey::thumbprint() const {
    return encoded(crypto::sha256(gateway::octetsOf(m_jwk)));
}

std::string AccountKey::authorizationOf(std::string_view token) const {
    return std::string(token) + '.' + thumbprint();
}

std::string AccountKey::sign(json header, std::string_view payload) const {
    header["alg"] = "ES256";
    const std::string head = encoded(header.dump());
    const std::string body = encoded(payload);
    return flattened(head, body, signEs256(m_key.get(), head + '.' + body)).dump();
}

std::string externalAccountBinding(const std::string& jwk, const std::string& keyId,
                                   const std::string& url, const crypto::SecretBuffer& hmacKey) {
    const json header{{"alg", "HS256"}, {"kid", keyId}, {"url", url}};
    const std::string head = encoded(header.dump());
    const std::string body = encoded(jwk);
    const std::string text = head + '.' + body;
    std::array<unsigned char, 32> mac{};
    unsigned length = 0;
    require(HMAC(EVP_sha256(), hmacKey.view().data(), static_cast<int>(hmacKey.size()),
                 reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(),
                 &length) != nullptr);
    return flattened(head, body, encoded(viewOf(mac))).dump();
}

}  // namespace acme
