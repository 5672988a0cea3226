#include "crypto/password.h"

#include <array>
#include <cstddef>

#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace crypto {

namespace {

// Without 0 O o, 1 I i l: nobody has to guess what was read out or printed.
constexpr std::string_view kAlphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz";
constexpr std::size_t kGroups = 6;
constexpr std::size_t kGroupSize = 5;
constexpr std::size_t kSize = kGroups * kGroupSize + (kGroups - 1);
static_assert(kSize <= 40, "RFC 1939 3: arguments of up to 40 characters");

/// An evenly distributed place in the alphabet. Octets beyond the last whole multiple are thrown
/// away, since taking them too would favour the first letters.
std::size_t drawPlace() {
    constexpr std::size_t kEven = 256 / kAlphabet.size() * kAlphabet.size();
    while (true) {
        std::array<std::byte, 1> octet{};
        gateway::fillRandom(octet);
        const auto value = std::to_integer<std::size_t>(octet[0]);
        wipe(octet);
        if (value < kEven) {
            return value % kAlphabet.size();
        }
    }
}

}  // namespace

Password::Password(std::string_view text) : m_text(gateway::octetsOf(text)) {}

Password Password::generate() {
    Password password{std::string_view()};
    password.m_text = SecretBuffer(kSize);
    std::size_t place = 0;
    for (std::byte& octet : password.m_text.writable()) {
        const bool separator = ++place % (kGroupSize + 1) == 0;
        octet = static_cast<std::byte>(separator ? '-' : kAlphabet[drawPlace()]);
    }
    return password;
}

}  // namespace crypto
