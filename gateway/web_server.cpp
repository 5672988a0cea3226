#include "gateway/web_server.h"

#include "gateway/base/error.h"
#include "gateway/base/log.h"

namespace gateway {

namespace {

/// Several admins, each with some tabs, and a few programs; also from behind one address.
constexpr std::size_t kMostConnections = 256;
/// An authority takes minutes to issue a certificate, and many records take long to read.
constexpr std::chrono::minutes kLongestHandler{10};

net::HttpServer::Options options(const webui::Site& site) {
    net::HttpServer::Options options;
    options.handler = kLongestHandler;
    options.mostBody = [&site](const net::HttpRequest& request) { return site.mostBody(request); };
    return options;
}

}  // namespace

WebServer::WebServer(asio::io_context& io, const Config& config, const net::TlsHolder& certificates,
                     webui::Engine engine)
    : m_config(config),
      m_site(std::move(engine)),
      m_server(options(m_site), certificates,
               [this](net::HttpRequest request) { return m_site.answer(std::move(request)); }),
      m_listener(io, "web", net::httpLimits(kMostConnections, kMostConnections / 2),
                 [this](net::LineStream& stream, bool tlsFromStart) {
                     return m_server.converse(stream, tlsFromStart);
                 }) {}

void WebServer::listen() {
    for (const ListenAddress& address : m_config.web.listen) {
        try {
            m_listener.listen(address.host, address.port, true);
        } catch (const Error& error) {
            if (m_config.written.contains("web.listen")) {
                throw Error(error.kind(), m_config.where("web.listen") + ": " + error.what());
            }
            // Nobody asked for it in so many words: mail is worth more than the page.
            log::warning("no web page; write web.listen to choose another port, or [] for none",
                         {{"cause", error.what()}});
        }
    }
}

asio::awaitable<void> WebServer::end() {
    m_listener.stop();
    m_listener.abort();
    co_await m_listener.drained(std::chrono::steady_clock::time_point::max());
}

}  // namespace gateway
