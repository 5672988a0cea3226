// Where a certificate authority looks whether this server holds its names: http-01 by HTTP, or
// tls-alpn-01 in the handshake of HTTPS. Never serves anything else but a way to the page.
#pragma once

#include <asio/io_context.hpp>

#include "acme/challenge.h"
#include "gateway/config.h"
#include "gateway/net/http_server.h"
#include "gateway/net/listener.h"

namespace gateway {

/// Listens only where the certificate is to come by ACME, and not by dns-01. Belongs to the I/O
/// thread.
class ChallengeListener {
public:
    /// What is named must outlive it.
    ChallengeListener(asio::io_context& io, const Config& config,
                      const acme::Challenges& challenges, const net::TlsHolder& certificates);

    /// Throws Error naming the key of the configuration.
    void listen();
    void start() { m_listener.start(); }
    void stop() { m_listener.stop(); }
    /// Ends all connections; returns once none is left.
    asio::awaitable<void> end();

private:
    asio::awaitable<net::HttpResponse> answer(net::HttpRequest request) const;

    const Config& m_config;
    const acme::Challenges& m_challenges;
    net::HttpServer m_server;
    net::Listener m_listener;
};

}  // namespace gateway
