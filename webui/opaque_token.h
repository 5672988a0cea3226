// Texts that let somebody in by being known: ids of sessions, tokens, the secret of a link. Kept as
// a digest only; one of 192 random bits and more needs no salt, and no work to slow down guessing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace webui {

/// `octets` random octets in hex.
std::string randomHex(std::size_t octets);

/// SHA-256 in hex.
std::string digestOf(std::string_view token);

}  // namespace webui
