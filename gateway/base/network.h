// A block of IP addresses in CIDR notation (RFC 4632, RFC 4291 2.3): who may come from where.
// Never asks DNS; opens no socket.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

/// IPv4 and IPv6 alike; an IPv4-mapped IPv6 address counts as the IPv4 one.
class Network {
public:
    /// "192.0.2.0/24", "2001:db8::/32"; an address alone is a network of one. Nothing where it is
    /// malformed or names a host within a network; `why` then says what to write.
    static std::optional<Network> parse(std::string_view text, std::string& why);

    /// Whether this address, as text, lies in it. False for what is no address.
    bool contains(std::string_view address) const;

    /// As it was written.
    const std::string& str() const { return m_text; }

private:
    using Octets = std::array<std::uint8_t, 16>;

    static std::optional<Octets> octetsOf(const std::string& address);

    std::string m_text;
    Octets m_octets{};
    unsigned m_bits = 0;  ///< of the 128 that count
};

}  // namespace gateway
