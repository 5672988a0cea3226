#include "gateway/net/http_server.h"

#include <cstring>

#include <asio/use_awaitable.hpp>

#include "gateway/base/log.h"
#include "gateway/net/http_stream.h"

namespace gateway::net {

namespace {

/// Until the parser wants no more of this part, or refuses.
asio::awaitable<void> readWhile(LineStream& stream, HttpRequestParser& parser,
                                HttpRequestParser::State state) {
    while (parser.state() == state) {
        const std::string_view input = co_await stream.readSome();
        stream.consume(parser.push(input));
    }
}

HttpResponse refusalOf(const HttpRequestParser& parser) {
    return HttpResponse::text(parser.refusal().status, parser.refusal().why + '\n');
}

HttpResponse failed() {
    return HttpResponse::text(500, "That failed here; the log of the server says why.\n");
}

/// What is sent, wiped when it was.
struct Octets {
    explicit Octets(std::string all) : text(std::move(all)) {}
    ~Octets() { ::explicit_bzero(text.data(), text.size()); }
    Octets(const Octets&) = delete;
    Octets& operator=(const Octets&) = delete;
    std::string text;
};

/// Busy until its end: the client would lose its answer with the connection.
class WhileBusy {
public:
    explicit WhileBusy(LineStream& stream) : m_stream(stream) { m_stream.setBusy(true); }
    ~WhileBusy() { m_stream.setBusy(false); }
    WhileBusy(const WhileBusy&) = delete;
    WhileBusy& operator=(const WhileBusy&) = delete;

private:
    LineStream& m_stream;
};

}  // namespace

Listener::Limits httpLimits(std::size_t connections, std::size_t connectionsPerAddress) {
    Listener::Limits limits;
    limits.connections = connections;
    limits.connectionsPerAddress = connectionsPerAddress;
    limits.refusal = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n";
    return limits;
}

HttpServer::HttpServer(Options options, const TlsHolder& certificates, Handler handler)
    : m_options(std::move(options)), m_certificates(certificates), m_handler(std::move(handler)) {}

asio::awaitable<void> HttpServer::converse(LineStream& stream, bool tlsFromStart) {
    if (tlsFromStart && !co_await secure(stream)) {
        co_return;
    }
    for (unsigned served = 1; co_await serveOne(stream, served >= m_options.requests); ++served) {
    }
}

/// Whether a client is there that wants to be served.
asio::awaitable<bool> HttpServer::secure(LineStream& stream) {
    const auto context = m_certificates.current();
    stream.expiresAfter(m_options.handshake);
    TlsTerms terms = m_options.tls;
    terms.protocol = TlsProtocol::Http;
    co_await stream.handshake(*context, std::move(terms));
    co_return stream.tlsProtocol() != "acme-tls/1";  // RFC 8737 section 3: that was all
}

/// Whether another request may follow.
asio::awaitable<bool> HttpServer::serveOne(LineStream& stream, bool last) {
    stream.expiresAfter(m_options.idle);
    co_await stream.awaitInput();
    const WhileBusy busy(stream);
    HttpRequestParser parser;
    stream.expiresAfter(m_options.header);
    co_await readWhile(stream, parser, HttpRequestParser::State::Header);
    if (parser.state() == HttpRequestParser::State::HeaderRead) {
        co_await readBody(stream, parser);
    }
    HttpResponse response;
    bool toHead = false;
    bool keepAlive = false;
    if (parser.state() == HttpRequestParser::State::Refused) {
        response = refusalOf(parser);
        log::debug("HTTP request refused", {{"peer", stream.peer()},
                                            {"status", response.status},
                                            {"cause", parser.refusal().why}});
    } else {
        HttpRequest request = parser.take();
        request.peer = stream.peer();
        request.secured = stream.secured();
        toHead = request.method == "HEAD";
        keepAlive = request.keepAlive && !last;
        const bool knowsChunks = !request.oldVersion;
        stream.expiresAfter(m_options.handler);
        response = co_await answer(std::move(request));
        if (response.stream && !response.stream->length && !knowsChunks) {
            response = HttpResponse::text(505, "This is only told by HTTP/1.1.\n");
        }
    }
    stream.expiresAfter(m_options.response);
    co_await send(stream, response, toHead, keepAlive);
    co_return keepAlive;
}

asio::awaitable<void> HttpServer::send(LineStream& stream, const HttpResponse& response,
                                       bool toHead, bool keepAlive) {
    if (response.stream && !toHead) {
        co_await sendStream(stream, response, keepAlive);
        co_return;
    }
    const auto now = std::chrono::system_clock::now();
    const Octets octets(response.stream ? headOf(response, response.stream->length, keepAlive, now)
                                        : wireForm(response, toHead, keepAlive, now));
    co_await stream.write(octets.text);
}

asio::awaitable<void> HttpServer::sendStream(LineStream& stream, const HttpResponse& response,
                                             bool keepAlive) {
    const HttpStream& source = *response.stream;
    HttpBody body(stream,
                  headOf(response, source.length, keepAlive, std::chrono::system_clock::now()),
                  source.length, m_options.response);
    std::string failure;
    try {
        co_await source.produce(body);
        const bool whole = co_await body.end();
        failure = whole ? "" : "it is shorter than its length says";
    } catch (const ConnectionEnded&) {
        throw;
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (failure.empty()) {
        co_return;
    }
    log::error("a response could not be made whole", {{"peer", stream.peer()}, {"cause", failure}});
    if (body.begun()) {
        // RFC 9112 section 8: without its end the client knows that this is not all.
        throw ConnectionEnded(ConnectionEnded::Why::Closed, "a response could not be sent whole");
    }
    const HttpResponse instead = failed();
    co_await send(stream, instead, false, keepAlive);
}

asio::awaitable<void> HttpServer::readBody(LineStream& stream, HttpRequestParser& parser) {
    parser.readBody(m_options.mostBody(parser.request()));
    stream.expiresAfter(m_options.body);
    if (parser.state() == HttpRequestParser::State::Body && parser.awaitsContinue()) {
        co_await stream.write("HTTP/1.1 100 Continue\r\n\r\n");  // RFC 9110 10.1.1
    }
    co_await readWhile(stream, parser, HttpRequestParser::State::Body);
}

asio::awaitable<HttpResponse> HttpServer::answer(HttpRequest request) {
    const std::string path = request.path;
    std::string failure;
    try {
        co_return co_await m_handler(std::move(request));
    } catch (const std::exception& error) {
        failure = error.what();
    }
    log::error("an HTTP request failed", {{"path", path}, {"cause", failure}});
    co_return failed();
}

}  // namespace gateway::net
