#include "gateway/base/random.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <sys/random.h>

#include "gateway/base/error.h"

namespace gateway {

void fillRandom(std::span<std::byte> into) {
    while (!into.empty()) {
        const ssize_t got = ::getrandom(into.data(), into.size(), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            throw Error(Error::Kind::Internal, "getrandom: the kernel gives no random octets");
        }
        into = into.subspan(static_cast<std::size_t>(got));
    }
}

double randomFraction() {
    std::array<std::byte, 4> octets{};
    fillRandom(octets);
    std::uint32_t number = 0;
    for (const std::byte octet : octets) {
        number = number << 8U | std::to_integer<std::uint32_t>(octet);
    }
    return number / 4294967296.0;
}

}  // namespace gateway
