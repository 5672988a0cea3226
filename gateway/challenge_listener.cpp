#include "gateway/challenge_listener.h"

#include "acme/challenge_answer.h"
#include "gateway/base/error.h"
#include "gateway/page_address.h"

namespace gateway {

namespace {

/// Everybody may come to these ports, and nobody has long to say: an authority that comes when they
/// are full must be heard all the same.
constexpr std::size_t kMostConnections = 128;

net::Listener::Limits limits() {
    auto limits = net::httpLimits(kMostConnections, kMostConnections / 4);
    limits.oldestGivesWay = true;
    return limits;
}

net::HttpServer::Options options(const acme::Challenges& challenges) {
    net::HttpServer::Options options;
    options.idle = std::chrono::seconds(10);
    options.response = std::chrono::seconds(10);
    options.requests = 20;
    options.tls.challenge = [&challenges](std::string_view name) {
        return challenges.findTlsAlpn(name);
    };
    return options;
}

}  // namespace

ChallengeListener::ChallengeListener(asio::io_context& io, const Config& config,
                                     const acme::Challenges& challenges,
                                     const net::TlsHolder& certificates)
    : m_config(config),
      m_challenges(challenges),
      m_server(options(challenges), certificates,
               [this](net::HttpRequest request) { return answer(std::move(request)); }),
      m_listener(io, "acme", limits(), [this](net::LineStream& stream, bool tlsFromStart) {
          return m_server.converse(stream, tlsFromStart);
      }) {}

void ChallengeListener::listen() {
    if (m_config.tls.source != Config::Tls::Source::Acme || !m_config.acme.listens()) {
        return;
    }
    for (const ListenAddress& address : m_config.acme.listen) {
        try {
            m_listener.listen(address.host, address.port, m_config.acme.challenge == "tls-alpn-01");
        } catch (const Error& error) {
            throw Error(error.kind(), m_config.where("acme.listen") + ": " + error.what());
        }
    }
}

asio::awaitable<void> ChallengeListener::end() {
    m_listener.stop();
    m_listener.abort();
    co_await m_listener.drained(std::chrono::steady_clock::time_point::max());
}

asio::awaitable<net::HttpResponse> ChallengeListener::answer(net::HttpRequest request) const {
    co_return acme::answerChallenge(m_challenges, request, pageAddressForOthers(m_config));
}

}  // namespace gateway
