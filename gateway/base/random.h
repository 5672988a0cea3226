// Random octets from the kernel. Never a generator of our own.
#pragma once

#include <cstddef>
#include <span>

namespace gateway {

/// Fills `into` from getrandom(2). Throws Error(Internal) where the kernel has none to give.
void fillRandom(std::span<std::byte> into);

/// Evenly spread from 0 up to, not including, 1.
double randomFraction();

}  // namespace gateway
