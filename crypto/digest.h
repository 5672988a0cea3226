// SHA-256 (FIPS 180-4) of octets. Never for passwords, which can be guessed: password_hash.h.
#pragma once

#include <array>
#include <cstddef>
#include <span>

namespace crypto {

std::array<std::byte, 32> sha256(std::span<const std::byte> octets);

}  // namespace crypto
