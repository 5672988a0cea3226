// Signatures that others verify: by OpenSSL's own verification, and by the examples of the RFCs.
#include "acme/jws.h"

#include <doctest/doctest.h>
#include <openssl/ecdsa.h>

#include "acme/certificate_request.h"
#include "crypto/base64.h"
#include "gateway/base/text.h"
#include "gateway/net/tls_objects.h"

namespace {

using nlohmann::json;

std::string decoded(const json& object, const char* part) {
    return crypto::decodeBase64(object.at(part).get<std::string>(), crypto::Base64::Url).value();
}

/// By the public half of `pem`, after RFC 7518 section 3.4.
bool verifies(const std::string& pem, const std::string& text, const std::string& signature) {
    const gateway::net::Pkey key = gateway::net::privateKeyOf(pem);
    const auto* const octets = reinterpret_cast<const unsigned char*>(signature.data());
    ECDSA_SIG* const parts = ECDSA_SIG_new();
    ECDSA_SIG_set0(parts, BN_bin2bn(octets, 32, nullptr), BN_bin2bn(octets + 32, 32, nullptr));
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(parts, &der);
    ECDSA_SIG_free(parts);
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    const bool good =
        EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
        EVP_DigestVerify(context, der, static_cast<std::size_t>(size),
                         reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    return good;
}

}  // namespace

TEST_CASE("ES256: every signature has 64 octets and verifies") {
    const auto key = acme::AccountKey::make();
    for (int i = 0; i < 300; ++i) {  // one in 128 has a short r or s
        const json jws = json::parse(key.sign({{"nonce", std::to_string(i)}}, R"({"a":1})"));
        CHECK(decoded(jws, "payload") == R"({"a":1})");
        CHECK(json::parse(decoded(jws, "protected")) ==
              json{{"alg", "ES256"}, {"nonce", std::to_string(i)}});
        const std::string text =
            jws.at("protected").get<std::string>() + '.' + jws.at("payload").get<std::string>();
        const std::string signature = decoded(jws, "signature");
        REQUIRE(signature.size() == 64);
        CHECK(verifies(key.pem(), text, signature));
        CHECK_FALSE(verifies(key.pem(), text + "x", signature));
    }
}

TEST_CASE("POST-as-GET has an empty payload") {
    const json jws = json::parse(acme::AccountKey::make().sign({{"url", "u"}}, ""));
    CHECK(jws.at("payload") == "");
}

TEST_CASE("a key comes back from its file, and another kind of key does not") {
    const auto key = acme::AccountKey::make();
    const auto again = acme::AccountKey::parse(key.pem());
    REQUIRE(again.has_value());
    CHECK(again->thumbprint() == key.thumbprint());
    CHECK(key.authorizationOf("tok") == "tok." + key.thumbprint());
    CHECK_FALSE(acme::AccountKey::parse("").has_value());
    CHECK_FALSE(acme::AccountKey::parse(key.pem().substr(0, 120)).has_value());
    const gateway::net::Pkey other(EVP_EC_gen("P-384"));
    CHECK_FALSE(acme::AccountKey::parse(gateway::net::pemOf(other.get())).has_value());
}

TEST_CASE("the public key has one spelling only, its members in order (RFC 7638 section 3)") {
    const auto key = acme::AccountKey::make();
    const json members = json::parse(key.jwk());
    CHECK(members.dump() == key.jwk());
    CHECK(members.size() == 4);
    CHECK(decoded(members, "x").size() == 32);
    CHECK(decoded(members, "y").size() == 32);
    CHECK(key.thumbprint().size() == 43);
}

TEST_CASE("external account binding: HS256 over the key, by the authority's MAC key") {
    // The signature was computed by Python's hmac.
    const std::string jwk = R"({"crv":"P-256"})";
    const crypto::SecretBuffer secret(gateway::octetsOf("Jefe"));
    const json jws =
        json::parse(acme::externalAccountBinding(jwk, "kid-1", "https://ca/new-acct", secret));
    CHECK(json::parse(decoded(jws, "protected")) ==
          json{{"alg", "HS256"}, {"kid", "kid-1"}, {"url", "https://ca/new-acct"}});
    CHECK(decoded(jws, "payload") == jwk);
    CHECK(jws.at("signature") == "xWq9D03EIisg2UnWpleiGYEjT4AEePu1Q1xGKhexyOg");
}

TEST_CASE("a certificate request names what was wished, has no common name, and is signed") {
    const std::string pem = acme::makeCertificateKey();
    const std::string der =
        acme::certificateRequest(pem, {"msgw.example.com", "*.wild.example.com"});
    const auto* at = reinterpret_cast<const unsigned char*>(der.data());
    X509_REQ* const request = d2i_X509_REQ(nullptr, &at, static_cast<long>(der.size()));
    REQUIRE(request != nullptr);
    CHECK(X509_NAME_entry_count(X509_REQ_get_subject_name(request)) == 0);
    CHECK(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)) == 1);
    STACK_OF(X509_EXTENSION)* const extensions = X509_REQ_get_extensions(request);
    CHECK(sk_X509_EXTENSION_num(extensions) == 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_REQ_free(request);
    CHECK(der.find("msgw.example.com") != std::string::npos);
    CHECK(der.find("*.wild.example.com") != std::string::npos);
    CHECK(acme::makeCertificateKey() != pem);
}
