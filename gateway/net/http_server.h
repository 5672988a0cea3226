// An HTTP/1.1 server (RFC 9112) on the listeners and streams of this room: reads a request, gives
// it to its handler, sends the response; one after another on a connection. Never serves anything
// by itself, never reads on after a request that two readers might understand in two ways.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

#include <asio/awaitable.hpp>

#include "gateway/net/http.h"
#include "gateway/net/http_server_parser.h"
#include "gateway/net/line_stream.h"
#include "gateway/net/listener.h"
#include "gateway/net/tls.h"

namespace gateway::net {

/// Of a listener whose Converse is a server's below: who is one too many gets a 503.
Listener::Limits httpLimits(std::size_t connections, std::size_t connectionsPerAddress);

/// Belongs to the I/O thread.
class HttpServer {
public:
    /// Answers a request. What it throws becomes a 500 without details, and is logged.
    using Handler = std::function<asio::awaitable<HttpResponse>(HttpRequest request)>;

    struct Options {
        /// How large the body of this request, of which the header was read, may be.
        std::function<std::size_t(const HttpRequest&)> mostBody = [](const HttpRequest&) {
            return std::size_t{0};
        };
        std::chrono::milliseconds handshake{std::chrono::seconds(10)};
        std::chrono::milliseconds idle{std::chrono::seconds(30)};  ///< before a request
        std::chrono::milliseconds header{std::chrono::seconds(10)};
        std::chrono::milliseconds body{std::chrono::seconds(60)};
        std::chrono::milliseconds handler{std::chrono::seconds(60)};  ///< to make the response
        /// To send it; of a stream, to make each piece and to send each part of it.
        std::chrono::milliseconds response{std::chrono::seconds(60)};
        unsigned requests = 1000;  ///< on one connection
        /// Of its TLS handshakes; a client that came for a challenge is not served.
        TlsTerms tls;
    };

    /// `certificates` is for listeners with TLS from the start.
    HttpServer(Options options, const TlsHolder& certificates, Handler handler);

    /// A Listener's Converse.
    asio::awaitable<void> converse(LineStream& stream, bool tlsFromStart);

private:
    asio::awaitable<bool> secure(LineStream& stream);
    asio::awaitable<bool> serveOne(LineStream& stream, bool last);
    asio::awaitable<void> readBody(LineStream& stream, HttpRequestParser& parser);
    asio::awaitable<HttpResponse> answer(HttpRequest request);
    asio::awaitable<void> send(LineStream& stream, const HttpResponse& response, bool toHead,
                               bool keepAlive);
    asio::awaitable<void> sendStream(LineStream& stream, const HttpResponse& response,
                                     bool keepAlive);

    const Options m_options;
    const TlsHolder& m_certificates;
    const Handler m_handler;
};

}  // namespace gateway::net
