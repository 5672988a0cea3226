#include "webui/site.h"

#include "webui/assets.h"
#include "webui/routes.h"
#include "webui/target.h"

namespace webui {

namespace {

using gateway::net::HttpRequest;
using gateway::net::HttpResponse;

/// Nothing runs or shows on the page but what came with it, and no other page shows it.
void addSecurityHeaders(HttpResponse& response, bool certificateIsOurs) {
    response.fields.insert(
        response.fields.end(),
        {{"Content-Security-Policy",
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
          "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"},
         {"Referrer-Policy", "no-referrer"},
         {"Cross-Origin-Opener-Policy", "same-origin"},
         {"Cross-Origin-Resource-Policy", "same-origin"},
         {"Permissions-Policy",
          "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
          "magnetometer=(), microphone=(), midi=(), payment=(), usb=()"}});
    // RFC 6797. With a certificate of our own it would take the admin the way past the warning.
    if (!certificateIsOurs) {
        response.fields.emplace_back("Strict-Transport-Security", "max-age=31536000");
    }
}

}  // namespace

Site::Site(Engine engine)
    : m_engine(std::move(engine)),
      m_doorkeeper(m_engine),
      m_logIn(m_engine),
      m_api([this](const HttpRequest& request,
                   Access access) { return m_doorkeeper.admit(request, access); },
            [this](const HttpRequest& request) { return m_doorkeeper.isKnown(request); },
            m_engine.disk) {
    addSessionRoutes(m_api, m_engine, m_doorkeeper, m_logIn);
    addAccountRoutes(m_api, m_engine, m_doorkeeper);
    addMailboxRoutes(m_api, m_engine);
    addMessageRoutes(m_api, m_engine);
    addBackupRoutes(m_api, m_engine);
    addDrainRoutes(m_api, m_engine);
    addWatchRoutes(m_api, m_engine);
    addReplicaRoutes(m_api, m_engine);
    addTwinRoutes(m_api, m_engine);
    addOpenApiRoute(m_api);
}

std::size_t Site::mostBody(const HttpRequest& request) const {
    return isUnder(request.path, "/api") && m_engine.isOurName(request.host)
               ? m_api.mostBody(request)
               : kMostBodyOfStrangers;
}

asio::awaitable<HttpResponse> Site::answer(HttpRequest request) {
    HttpResponse response = co_await dispatch(std::move(request));
    addSecurityHeaders(response, m_engine.certificateIsOurs());
    co_return response;
}

asio::awaitable<HttpResponse> Site::dispatch(HttpRequest request) {
    // A foreign page may have its own name lead here (DNS rebinding); under that nobody is served.
    if (!m_engine.isOurName(request.host)) {
        co_return errorResponse({421, "wrong_host",
                                 "This server is not called that; ask under its name, a name of "
                                 "its certificate, or its address."});
    }
    if (isUnder(request.path, "/api")) {
        co_return co_await m_api.answer(std::move(request));
    }
    co_return assetResponse(request);
}

}  // namespace webui
