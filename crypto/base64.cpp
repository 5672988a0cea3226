#include "crypto/base64.h"

#include <sodium.h>

#include "crypto/c_octets.h"
#include "crypto/sodium.h"
#include "gateway/base/error.h"

namespace crypto {

namespace {

int variantOf(Base64 form) {
    switch (form) {
        case Base64::Padded:
            return sodium_base64_VARIANT_ORIGINAL;
        case Base64::Unpadded:
            return sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
        case Base64::Url:
            return sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    }
    throw gateway::Error(gateway::Error::Kind::Internal, "unknown form of base64");
}

/// The exact number of octets a valid `text` holds.
std::size_t decodedSize(std::string_view text) {
    while (text.ends_with('=')) {
        text.remove_suffix(1);
    }
    return text.size() / 4 * 3 + text.size() % 4 * 3 / 4;
}

/// libsodium 1.0.18 takes some octets beyond ASCII for letters, so they are looked for first; all
/// are looked at, whatever they are, for the text may be a secret.
bool isAscii(std::string_view text) {
    unsigned all = 0;
    for (const char c : text) {
        all |= static_cast<unsigned char>(c);
    }
    return all < 0x80;
}

/// libsodium's decoder takes no secret-dependent branch and refuses what is not canonical: stray
/// bits (RFC 4648 3.5), wrong padding (3.2), characters outside the alphabet (3.3).
bool decodeInto(std::span<std::byte> octets, std::string_view text, Base64 form) {
    if (octets.empty() || !isAscii(text)) {
        return text.empty();
    }
    requireSodium();
    std::size_t size = 0;
    return sodium_base642bin(asOutput(octets), octets.size(), text.data(), text.size(), nullptr,
                             &size, nullptr, variantOf(form)) == 0 &&
           size == octets.size();
}

}  // namespace

std::string encodeBase64(std::span<const std::byte> octets, Base64 form) {
    requireSodium();
    const int variant = variantOf(form);
    std::string text(sodium_base64_encoded_len(octets.size(), variant), '\0');
    sodium_bin2base64(text.data(), text.size(), asInput(octets), octets.size(), variant);
    text.pop_back();  // the terminating NUL that libsodium counts
    return text;
}

std::optional<std::string> decodeBase64(std::string_view text, Base64 form) {
    std::string octets(decodedSize(text), '\0');
    if (!decodeInto(std::as_writable_bytes(std::span<char>(octets)), text, form)) {
        return std::nullopt;
    }
    return octets;
}

std::optional<SecretBuffer> decodeSecretBase64(std::string_view text, Base64 form) {
    SecretBuffer octets(decodedSize(text));
    if (!decodeInto(octets.writable(), text, form)) {
        return std::nullopt;
    }
    return octets;
}

}  // namespace crypto
