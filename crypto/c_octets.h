// Octets as the C libraries take them: a pointer that is never null, for they declare theirs so
// even where the length is zero. Never converts lengths: each call states its own.
#pragma once

#include <cstddef>
#include <span>

namespace crypto {

inline const unsigned char* asInput(std::span<const std::byte> octets) {
    static constexpr unsigned char kNone = 0;
    return octets.empty() ? &kNone : reinterpret_cast<const unsigned char*>(octets.data());
}

/// Of what is not empty.
inline unsigned char* asOutput(std::span<std::byte> octets) {
    return reinterpret_cast<unsigned char*>(octets.data());
}

}  // namespace crypto
