#include "gateway/base/network.h"

#include <algorithm>
#include <arpa/inet.h>

#include "gateway/base/text.h"

namespace gateway {

namespace {

constexpr unsigned kMappedBits =
    96;  ///< before the IPv4 address in ::ffff:0:0/96 (RFC 4291 2.5.5.2)
constexpr unsigned kAllBits = 128;

/// The bits of an octet that count, where `bits` of it and all behind it do.
std::uint8_t maskOf(unsigned bits) {
    return static_cast<std::uint8_t>(bits >= 8 ? 0xFFU : 0xFFU << (8U - bits));
}

}  // namespace

std::optional<Network::Octets> Network::octetsOf(const std::string& address) {
    Octets octets{};
    if (::inet_pton(AF_INET6, address.c_str(), octets.data()) == 1) {
        return octets;
    }
    octets[10] = octets[11] = 0xFF;
    if (::inet_pton(AF_INET, address.c_str(), octets.data() + kMappedBits / 8) == 1) {
        return octets;
    }
    return std::nullopt;
}

std::optional<Network> Network::parse(std::string_view text, std::string& why) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string address(text.substr(0, slash));
    const auto octets = octetsOf(address);
    if (!octets || address.find('\0') != std::string::npos) {
        why = "\"" + printable(text) + "\" is no network; write 192.0.2.0/24 or 2001:db8::/32";
        return std::nullopt;
    }
    const unsigned before = address.find(':') == std::string::npos ? kMappedBits : 0;
    std::uint64_t bits = kAllBits - before;
    if (slash < text.size()) {
        const auto given = parseDecimal(text.substr(slash + 1));
        if (!given || *given > bits) {
            why = "\"" + printable(text) + "\": behind the slash stands a number from 0 to " +
                  std::to_string(bits);
            return std::nullopt;
        }
        bits = *given;
    }
    Network network;
    network.m_text = text;
    network.m_octets = *octets;
    network.m_bits = before + static_cast<unsigned>(bits);
    for (unsigned i = 0; i < octets->size(); ++i) {
        const unsigned counting = network.m_bits > 8 * i ? network.m_bits - 8 * i : 0;
        if (((*octets)[i] & static_cast<std::uint8_t>(~maskOf(counting))) != 0) {
            why = "\"" + printable(text) +
                  "\" is an address within a network; write the network's first address, or the "
                  "address without a slash";
            return std::nullopt;
        }
    }
    return network;
}

bool Network::contains(std::string_view address) const {
    // An IPv6 address of the own link bears the name of the interface it came by.
    const auto octets = octetsOf(std::string(address.substr(0, address.find('%'))));
    for (unsigned i = 0; octets && 8 * i < m_bits; ++i) {
        if ((((*octets)[i] ^ m_octets[i]) & maskOf(m_bits - 8 * i)) != 0) {
            return false;
        }
    }
    return octets.has_value();
}

}  // namespace gateway
