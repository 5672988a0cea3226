// Bech32 (BIP 173) as age uses it: the checksum of 1 in five-bit groups, without BIP 173's length
// limit. Never allocates, so that an identity's text can stay in locked memory.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace crypto {

/// The length of `octets` octets under a human-readable part of `prefix` characters.
constexpr std::size_t bech32Size(std::size_t prefix, std::size_t octets) {
    return prefix + 1 + (octets * 8 + 4) / 5 + 6;
}

/// Writes to `text`, which has exactly bech32Size(). The whole is in the case of `prefix`.
void encodeBech32(std::string_view prefix, std::span<const std::byte> octets, std::span<char> text);

/// Fills `octets` from `text`. False where `text` is not in the very case of `prefix`, has another
/// prefix or length, a character outside the alphabet, a wrong checksum, or stray bits at its end;
/// `octets` may hold anything then.
[[nodiscard]] bool decodeBech32(std::string_view prefix, std::string_view text,
                                std::span<std::byte> octets);

}  // namespace crypto
