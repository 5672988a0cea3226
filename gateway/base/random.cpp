#include "gateway/base/random.h"

#include <cerrno>
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

}  // namespace gateway
