// The page and its API as one handler of HTTP requests: looks at the host, gives each answer the
// headers that keep foreign pages out, and hands on. Never reads a socket: net::HttpServer does.
#pragma once

#include <asio/awaitable.hpp>

#include "gateway/net/http.h"
#include "webui/api.h"
#include "webui/doorkeeper.h"
#include "webui/engine.h"
#include "webui/log_in.h"

namespace webui {

/// Belongs to the I/O thread.
class Site {
public:
    explicit Site(Engine engine);
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;

    /// For HttpServer::Options.
    std::size_t mostBody(const gateway::net::HttpRequest& request) const;
    asio::awaitable<gateway::net::HttpResponse> answer(gateway::net::HttpRequest request);

    const Api& api() const { return m_api; }

private:
    asio::awaitable<gateway::net::HttpResponse> dispatch(gateway::net::HttpRequest request);

    const Engine m_engine;
    Doorkeeper m_doorkeeper;
    LogIn m_logIn;
    Api m_api;
};

}  // namespace webui
