// Where browsers and programs reach the page and its API: HTTPS. Never decides what they may do:
// webui/ does.
#pragma once

#include <asio/io_context.hpp>

#include "gateway/config.h"
#include "gateway/net/http_server.h"
#include "gateway/net/listener.h"
#include "webui/site.h"

namespace gateway {

/// Belongs to the I/O thread.
class WebServer {
public:
    /// What is named must outlive it.
    WebServer(asio::io_context& io, const Config& config, const net::TlsHolder& certificates,
              webui::Engine engine);

    /// Throws Error naming the key of the configuration; only warns where nobody chose the port.
    void listen();
    void start() { m_listener.start(); }
    void stop() { m_listener.stop(); }
    /// Ends all connections; returns once none is left.
    asio::awaitable<void> end();

private:
    const Config& m_config;
    webui::Site m_site;
    net::HttpServer m_server;
    net::Listener m_listener;
};

}  // namespace gateway
