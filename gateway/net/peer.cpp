#include "gateway/net/peer.h"

#include <algorithm>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace gateway::net {

namespace {

/// Seconds of silence until a peer is asked, between the questions, and how many of them.
constexpr int kSilence = 30;
constexpr int kBetweenProbes = 10;
constexpr int kProbes = 3;

}  // namespace

std::string peerAddress(const asio::ip::tcp::socket& socket) {
    asio::error_code error;
    const auto endpoint = socket.remote_endpoint(error);
    if (error) {
        return "unknown";
    }
    const auto address = endpoint.address();
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
    }
    return address.to_string();
}

std::string networkOf(const std::string& address) {
    asio::error_code error;
    const auto parsed = asio::ip::make_address(address, error);
    if (error || !parsed.is_v6()) {
        return address;
    }
    auto octets = parsed.to_v6().to_bytes();
    std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
    return asio::ip::make_address_v6(octets).to_string() + "/64";
}

void watchPeer(asio::ip::tcp::socket& socket) {
    asio::error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    using asio::detail::socket_option::integer;
    socket.set_option(integer<IPPROTO_TCP, TCP_KEEPIDLE>(kSilence), ignored);
    socket.set_option(integer<IPPROTO_TCP, TCP_KEEPINTVL>(kBetweenProbes), ignored);
    socket.set_option(integer<IPPROTO_TCP, TCP_KEEPCNT>(kProbes), ignored);
}

std::chrono::milliseconds unacknowledgedFor(asio::ip::tcp::socket& socket) {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        (info.tcpi_unacked == 0 && info.tcpi_probes == 0)) {
        return std::chrono::milliseconds(0);
    }
    return std::chrono::milliseconds(info.tcpi_last_ack_recv);
}

}  // namespace gateway::net
