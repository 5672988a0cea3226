// What the daemon answers by HTTP. Never tells more than counts and times; never lets a slow disk
// stop the I/O thread.
#include <algorithm>
#include <functional>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/daemon.h"
#include "gateway/net/offload.h"
#include "gateway/watch/metrics.h"

namespace gateway {

namespace {

using net::HttpRequest;
using net::HttpResponse;

constexpr std::size_t kMostMetricsConnections = 32;
/// Octets: a block, so that a full disk shows.
constexpr std::size_t kProbe = 4096;

/// A page that a browser on this machine shows may resolve its own name to 127.0.0.1 and ask under
/// that (DNS rebinding): on the loopback only names of this machine are answered.
bool isForUs(const Config& config, const std::string& host) {
    const auto& listen = config.metrics.listen;
    return !std::all_of(listen.begin(), listen.end(), std::mem_fn(&ListenAddress::isLoopback)) ||
           host.empty() || net::isAddress(host) || host == "localhost" || host == config.hostname ||
           host == config.domain;
}

}  // namespace

net::Listener::Limits Daemon::metricsLimits() {
    return net::httpLimits(kMostMetricsConnections, kMostMetricsConnections / 2);
}

void Daemon::listenForMetrics() {
    try {
        listen(m_metrics, m_config.metrics.listen, "metrics.listen", false);
    } catch (const Error& error) {
        if (m_config.written.contains("metrics.listen")) {
            throw;
        }
        // Nobody asked for it in so many words: mail is worth more than figures.
        log::warning("no metrics; write metrics.listen to choose another port, or [] for none",
                     {{"cause", error.what()}});
    }
}

asio::awaitable<HttpResponse> Daemon::answerMonitoring(HttpRequest request) {
    if (!isForUs(m_config, request.host)) {
        co_return HttpResponse::text(421, "Ask under an address or a name of this machine.\n");
    }
    if (request.method != "GET" && request.method != "HEAD") {
        HttpResponse response = HttpResponse::text(405, "Nothing can be changed here.\n");
        response.fields.emplace_back("Allow", "GET, HEAD");  // RFC 9110 15.5.6
        co_return response;
    }
    if (request.path == "/metrics") {
        co_return co_await metrics();
    }
    if (request.path == "/healthz") {
        co_return HttpResponse::text(200, "alive\n");
    }
    if (request.path == "/readyz") {
        co_return co_await readiness();
    }
    co_return HttpResponse::text(404, "There are /metrics, /healthz and /readyz.\n");
}

std::string Daemon::whyNotReady() const {
    if (m_stopping) {
        return "stopping: no mail is taken any more";
    }
    if (m_house.draining()) {
        return "draining: no new mail is taken";
    }
    if (m_house.room() == 0) {
        return "disk: no mail is taken below store.min_free";
    }
    if (m_tls.current()->facts().ends <= std::chrono::system_clock::now()) {
        return "certificate: it has ended";
    }
    return {};
}

/// A file is written where messages go, and taken away before it has a name. Not whether the last
/// message was stored: who sends nobody here any more would never hear that the next one would be.
asio::awaitable<HttpResponse> Daemon::readiness() {
    std::string why = whyNotReady();
    if (why.empty()) {
        const net::OneAtATime::Turn turn = co_await m_oneProbe.turn();
        auto write = [folder = m_layout.mailboxes()]() -> std::string {
            try {
                const std::vector<std::byte> octets(kProbe);
                DurableFile(folder / "probe", DurableFile::Existing::Refuse).write(octets);
                return {};
            } catch (const Error& error) {
                return std::string("disk: ") + error.what();
            }
        };
        why = co_await net::offload(m_disk, std::move(write));
    }
    if (why.empty()) {
        why = whyNotReady();  // while it was written
    }
    co_return why.empty() ? HttpResponse::text(200, "ready\n")
                          : HttpResponse::text(503, why + '\n');
}

/// One at a time: each reads the folders of all mailboxes, and who asks on many connections must
/// not take the workers that mail needs.
asio::awaitable<HttpResponse> Daemon::metrics() {
    const net::OneAtATime::Turn turn = co_await m_oneScrape.turn();
    auto traffic = m_house.traffic();
    nlohmann::json known = co_await status();
    auto describe = [known = std::move(known), traffic = std::move(traffic),
                     stored = m_house.storeTimes()] {
        return describeMetrics(known, traffic, std::chrono::system_clock::now(), stored);
    };
    HttpResponse response;
    response.fields.emplace_back("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    response.body = co_await net::offload(m_disk, std::move(describe));
    co_return response;
}

}  // namespace gateway
