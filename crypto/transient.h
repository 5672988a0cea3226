// A secret that lives for a few instructions on the stack: a file key, a shared secret, a wrap key.
// Never outlives the function that needs it; what stays longer is a Secret in locked memory.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "crypto/secret.h"

namespace crypto {

/// N octets, wiped at the end of their scope. On the stack because a message needs four of them,
/// and a locked page with its guards costs more than the whole key exchange.
template <std::size_t N>
class Transient {
public:
    Transient() = default;
    ~Transient() { wipe(std::span<std::byte>(m_octets)); }
    Transient(const Transient&) = delete;
    Transient& operator=(const Transient&) = delete;
    std::span<std::byte, N> writable() { return m_octets; }
    std::span<const std::byte, N> view() const { return m_octets; }

private:
    std::array<std::byte, N> m_octets{};
};

}  // namespace crypto
