#include "gateway/page_address.h"

namespace gateway {

std::string pageAddress(const Config& config) {
    if (config.web.listen.empty()) {
        return {};
    }
    ListenAddress address = config.web.listen.front();
    // The server's name leads to the loopback for nobody.
    if (!address.isLoopback()) {
        address.host = config.hostname;
    }
    return "https://" + address.str() + '/';
}

std::string pageAddressForOthers(const Config& config) {
    const auto& listen = config.web.listen;
    return listen.empty() || listen.front().isLoopback() ? std::string() : pageAddress(config);
}

}  // namespace gateway
