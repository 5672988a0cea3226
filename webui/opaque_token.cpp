#include "webui/opaque_token.h"

#include <vector>

#include "crypto/digest.h"
#include "crypto/secret.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace webui {

std::string randomHex(std::size_t octets) {
    std::vector<std::byte> random(octets);
    gateway::fillRandom(random);
    std::string text = gateway::hexOf(random);
    crypto::wipe(random);
    return text;
}

std::string digestOf(std::string_view token) {
    return gateway::hexOf(crypto::sha256(gateway::octetsOf(token)));
}

}  // namespace webui
