// "[::]:25" as an address and a port, and back. Never asks the DNS.
#include <arpa/inet.h>
#include <netinet/in.h>

#include "gateway/base/text.h"
#include "gateway/config.h"

namespace gateway {

std::string ListenAddress::str() const {
    const bool six = host.find(':') != std::string::npos;
    return (six ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::optional<ListenAddress> ListenAddress::parse(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const auto port = parseDecimal(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    const bool six = host.starts_with('[') && host.ends_with(']');
    if (six) {
        host = host.substr(1, host.size() - 2);
    }
    const std::string terminated(host);
    in6_addr octets{};
    if (!port || *port == 0 || *port > 65535 ||
        ::inet_pton(six ? AF_INET6 : AF_INET, terminated.c_str(), &octets) != 1) {
        return std::nullopt;
    }
    ListenAddress address;
    address.host = lowered(terminated);
    address.port = static_cast<std::uint16_t>(*port);
    return address;
}

}  // namespace gateway
