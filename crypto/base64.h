// Base64 (RFC 4648), strict: no white space, no missing or superfluous padding, no stray bits.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "crypto/secret.h"

namespace crypto {

enum class Base64 {
    Padded,    ///< section 4
    Unpadded,  ///< section 4 without `=`, as in age headers
    Url        ///< section 5 without `=`, as in JWS
};

std::string encodeBase64(std::span<const std::byte> octets, Base64 form = Base64::Padded);
/// Nothing where `text` is not exactly that form.
std::optional<std::string> decodeBase64(std::string_view text, Base64 form = Base64::Padded);
/// The same for secrets: the decoded octets lie in locked memory only.
std::optional<SecretBuffer> decodeSecretBase64(std::string_view text, Base64 form = Base64::Padded);

}  // namespace crypto
