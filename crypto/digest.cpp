#include "crypto/digest.h"

#include <sodium.h>

#include "crypto/c_octets.h"

namespace crypto {

std::array<std::byte, 32> sha256(std::span<const std::byte> octets) {
    std::array<std::byte, 32> digest{};
    crypto_hash_sha256(asOutput(digest), asInput(octets), octets.size());
    return digest;
}

}  // namespace crypto
