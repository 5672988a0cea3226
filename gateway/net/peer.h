// What the kernel knows of the other end of a connection, and how long it believes in it.
// Never reads or writes.
#pragma once

#include <chrono>
#include <string>

#include <asio/ip/tcp.hpp>

namespace gateway::net {

/// Its address, IPv4-mapped addresses as IPv4; "unknown" where it is gone already.
std::string peerAddress(const asio::ip::tcp::socket& socket);

/// The network one client answers for: an IPv4 address, or the /64 of an IPv6 one, of which it has
/// as many addresses as it likes.
std::string networkOf(const std::string& address);

/// Sends small answers at once, and asks a silent peer whether it lives: one that vanished is gone
/// within 60 s, and with it its hold on a mailbox.
void watchPeer(asio::ip::tcp::socket& socket);

/// How long it has not acknowledged a thing; zero where it has nothing to acknowledge.
std::chrono::milliseconds unacknowledgedFor(asio::ip::tcp::socket& socket);

}  // namespace gateway::net
