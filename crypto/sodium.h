// The start of libsodium. Never needs to be called from outside this room.
#pragma once

namespace crypto {

/// Starts libsodium once, whichever thread comes first; without it the library would use its
/// slowest code. Throws gateway::Error(Internal) where it does not start.
void requireSodium();

}  // namespace crypto
