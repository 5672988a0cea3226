#include "gateway/daemon.h"

#include <algorithm>
#include <csignal>
#include <thread>

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/net/offload.h"
#include "gateway/page_address.h"
#include "gateway/service_notify.h"

namespace gateway {

namespace {

using namespace std::chrono_literals;

/// It mostly waits for the disk.
constexpr std::size_t kDiskThreads = 32;
/// At most min(cores, 2) unlocks at once (SPEC section 3).
constexpr std::size_t kMostUnlocks = 2;

Layout prepareData(const Config& config) {
    const Layout layout(config.data);
    try {
        makeDurableDirectory(layout.data());
        for (const auto& directory : {layout.records(), layout.mailboxes(), layout.knownRecords(),
                                      layout.tls(), layout.state()}) {
            makeDurableDirectory(directory);
        }
    } catch (const Error& error) {
        throw Error(error.kind(), config.where("data") + ": " + error.what() +
                                      "; the directory must belong to the user the server runs as");
    }
    return layout;
}

DataLock takeLock(const Layout& layout, const Config& config) {
    auto lock = DataLock::tryTake(layout);
    if (!lock) {
        throw Error(Error::Kind::Busy, config.where("data") + ": another postern works on " +
                                           layout.data().native() +
                                           " already; stop it first, or choose another data");
    }
    return std::move(*lock);
}

Node prepareNode(const Layout& layout, const Config& config) {
    std::string notice;
    Node node = Node::loadOrMake(layout, config.hostname, notice);
    if (!notice.empty()) {
        log::notice(notice);
    }
    return node;
}

smtp::Options smtpOptions(const Config& config) {
    smtp::Options options;
    options.hostname = config.hostname;
    options.domain = config.domain;
    options.maxMessageSize = config.smtp.maxMessageSize;
    options.rejectUnknown = config.smtp.rejectUnknown;
    options.postmaster = config.smtp.postmaster;
    return options;
}

std::size_t unlocksAtOnce() {
    return std::min<std::size_t>(std::max(std::thread::hardware_concurrency(), 1U), kMostUnlocks);
}

pop3::Options pop3Options(const Config& config) {
    pop3::Options options;
    options.hostname = config.hostname;
    options.domain = config.domain;
    return options;
}

net::Listener::Limits smtpLimits(const Config& config) {
    net::Listener::Limits limits;
    limits.connections = config.smtp.maxConnections;
    limits.connectionsPerAddress = config.smtp.maxConnectionsPerIp;
    limits.refusal = "421 4.7.0 " + config.hostname + " Too many connections, try again later\r\n";
    return limits;
}

net::Listener::Limits pop3Limits(std::size_t connections) {
    net::Listener::Limits limits;
    limits.connections = connections;
    limits.refusal = "-ERR [SYS/TEMP] Too many connections, try again later\r\n";
    return limits;
}

/// What a crash left in the folders of this node alone; the store sweeps its own.
std::size_t sweepOwnFolders(const Layout& layout) {
    std::size_t removed = sweepTemporaries(layout.node(), 2) + sweepTemporaries(layout.acme(), 1);
    for (const auto& folder : {layout.data(), layout.state(), layout.tls()}) {
        removed += sweepTemporaries(folder);
    }
    return removed;
}

}  // namespace

Daemon::Daemon(Config config)
    : m_config(std::move(config)),
      m_layout(prepareData(m_config)),
      m_lock(takeLock(m_layout, m_config)),
      m_store(m_layout),
      m_keeper(m_layout, prepareNode(m_layout, m_config)),
      m_receipts(makeReceipts()),
      m_certificates(m_layout.tls(), m_config.tls.minimum),
      m_certificateWatch(m_certificates),
      m_operations(m_config, m_keeper, m_store, m_receipts.get()),
      m_disk(kDiskThreads),
      m_cpu(unlocksAtOnce()),
      m_records(1),
      m_slow(1),
      m_tlsSettings(m_config.tls),
      m_tls(loadCertificate(m_config)),
      m_smtpOptions(smtpOptions(m_config)),
      m_pop3Options(pop3Options(m_config)),
      m_messageMemory(m_config.smtp.messageMemory),
      m_smtpServer(smtpEngine(), m_tls, [this](auto& drop) { return m_house.keyIsValid(drop); }),
      m_pop3Server(m_io.get_executor(), pop3Engine(), m_tls),
      m_monitoring(
          {}, m_tls,
          [this](net::HttpRequest request) { return answerMonitoring(std::move(request)); }),
      m_oneScrape(m_io.get_executor()),
      m_smtp(m_io, "smtp", smtpLimits(m_config),
             [this](net::LineStream& stream, bool tlsFromStart) {
                 return m_smtpServer.converse(stream, tlsFromStart);
             }),
      m_pop3(m_io, "pop3", pop3Limits(kMostPop3Sessions),
             [this](net::LineStream& stream, bool tlsFromStart) {
                 return m_pop3Server.converse(stream, tlsFromStart);
             }),
      m_metrics(m_io, "metrics", metricsLimits(),
                [this](net::LineStream& stream, bool tlsFromStart) {
                    return m_monitoring.converse(stream, tlsFromStart);
                }),
      m_challengeListener(m_io, m_config, m_challenges, m_tls),
      m_webAccounts(m_layout, std::make_shared<webui::SetupLink>(m_layout, pageAddress(m_config)),
                    !m_config.web.listen.empty()),
      m_twins(m_config, twinsHouse()),
      m_web(m_io, m_config, m_tls, webEngine()),
      m_control(m_io.get_executor(), m_layout, m_lock,
                [this](nlohmann::json request, Descriptor file) {
                    return control(std::move(request), std::move(file));
                }),
      m_signals(m_io, SIGTERM, SIGINT, SIGHUP) {
    prepareAcme();
    const std::size_t leftOvers = m_store.sweep() + sweepOwnFolders(m_layout);
    if (leftOvers > 0) {
        log::notice("removed what an interrupted run left behind", {{"files", leftOvers}});
    }
    takeOver(m_keeper.load());
    loadTimes();
    takeUpDrain();
    prepareAlerts();
    openListeners();
    m_webAccounts.takeOver(m_webAccounts.look());
}

Daemon::~Daemon() = default;

pop3::Engine Daemon::pop3Engine() {
    pop3::Engine engine(
        m_pop3Options, [this](const MailboxId& id) { return m_house.find(id); }, m_store, m_disk,
        m_cpu);
    engine.unlocksAtOnce = unlocksAtOnce();
    engine.unlockCache = m_config.pop3.unlockCache;
    engine.onUnlocked = [this](const auto& opened) { coverKeys(opened); };
    tellReceipts(engine);
    return engine;
}

void Daemon::openListeners() {
    listen(m_smtp, m_config.smtp.listen, "smtp.listen", false);
    listen(m_smtp, m_config.smtp.listenTls, "smtp.listen_tls", true);
    listen(m_pop3, m_config.pop3.listen, "pop3.listen", false);
    listen(m_pop3, m_config.pop3.listenTls, "pop3.listen_tls", true);
    listenForMetrics();
    m_challengeListener.listen();
    m_web.listen();
}

void Daemon::listen(net::Listener& listener, const std::vector<ListenAddress>& addresses,
                    const std::string& key, bool tlsFromStart) const {
    for (const ListenAddress& address : addresses) {
        try {
            listener.listen(address.host, address.port, tlsFromStart);
        } catch (const Error& error) {
            throw Error(error.kind(), m_config.where(key) + ": " + error.what());
        }
    }
}

void Daemon::run() {
    asio::co_spawn(m_io, handleSignals(), asio::detached);
    schedule("watching records", 1s, [this] { return watchRecords(); });
    schedule("watching the drain", 1s, [this] { return watchDrain(); });
    schedule("watching the disk", 5s, [this] { return watchDisk(); });
    schedule("purging deleted messages", 10min, [this] { return purgeDeleted(); });
    schedule("dropping old receipts", 1h, [this] { return dropOldReceipts(); });
    schedule("watching the certificate", 2s, [this] { return watchCertificate(); });
    schedule("forgetting idle keys", 5s, [this] { return forgetIdleKeys(); });
    schedule("watching web accounts", 2s, [this] { return watchWebAccounts(); });
    schedule("telling alerts", 5s, [this] { return watchAlerts(); });
    schedule("counting for the twins", 1s, [this] { return watchWaiting(); });
    schedule("keeping the times of mail", 1min, [this] { return keepTimes(); });
    if (m_renewer) {
        asio::co_spawn(m_io, m_renewer->run(), asio::detached);
    }
    m_smtp.start();
    m_pop3.start();
    m_metrics.start();
    m_challengeListener.start();
    m_web.start();
    m_twins.start();
    log::notice("postern serves", {{"version", POSTERN_VERSION},
                                   {"domain", m_config.domain},
                                   {"hostname", m_config.hostname},
                                   {"data", m_layout.data().native()},
                                   {"mailboxes", m_house.registry()->mailboxes().size()}});
    notifyService("READY=1\nSTATUS=Serving");
    m_io.run();
    for (asio::thread_pool* const pool : {&m_disk, &m_cpu, &m_records, &m_slow, &m_fetches}) {
        pool->join();
    }
    log::notice("postern stopped");
}

void Daemon::schedule(std::string name, std::chrono::steady_clock::duration every, Job job) {
    asio::co_spawn(m_io, repeat(std::move(name), every, std::move(job)), asio::detached);
}

asio::awaitable<void> Daemon::handleSignals() {
    bool asked = false;
    // stop() may have run to its end, cancel and all, before this waits again.
    while (!m_stopped) {
        asio::error_code error;
        const int signal =
            co_await m_signals.async_wait(asio::redirect_error(asio::use_awaitable, error));
        if (error) {
            co_return;
        }
        if (signal == SIGHUP) {
            co_await reload();
        } else if (!asked) {
            asked = true;
            asio::co_spawn(m_io, stop(), asio::detached);
        } else {
            log::notice("asked twice to stop: connections are cut");
            m_smtp.abort();
            m_pop3.abort();
        }
    }
}

asio::awaitable<void> Daemon::reload() {
    notifyService("RELOADING=1");
    std::string failure;
    try {
        auto read = [this] {
            const Config config = loadConfig(m_config.file);
            auto context = loadCertificate(config);
            log::configure(config.log.level, config.log.format);
            return std::pair(std::move(context), config.tls);
        };
        auto [context, settings] = co_await net::offload(m_slow, read);
        m_tls.replace(std::move(context));
        m_tlsSettings = std::move(settings);
        auto load = [this] { return m_keeper.load(); };
        takeOver(co_await net::offload(m_records, load));
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (failure.empty()) {
        log::notice(
            "reloaded: certificate, log settings and records; other settings of "
            "postern.toml take effect at the next start");
    } else {
        log::error("not reloaded; going on as before", {{"cause", failure}});
    }
    notifyService("READY=1");
}

asio::awaitable<void> Daemon::stop() {
    notifyService("STOPPING=1");
    log::notice("stopping", {{"smtp", m_smtp.connections()}, {"pop3", m_pop3.connections()}});
    m_stopping = true;
    m_control.stop();
    stopAcme();
    m_twins.stop();
    if (m_alertHttp) {
        m_alertHttp->stop();
    }
    if (m_http) {
        m_http->stop();
    }
    m_smtp.stop();
    m_pop3.stop();
    m_challengeListener.stop();
    m_web.stop();
    for (asio::steady_timer* const pause : m_pauses) {
        pause->cancel();
    }
    const auto deadline = std::chrono::steady_clock::now() + kGrace;
    co_await m_smtp.drained(deadline);
    co_await m_pop3.drained(deadline);
    m_smtp.abort();
    m_pop3.abort();
    // What still runs is a worker's job; it ends, and nothing of it may outlive this object.
    co_await m_smtp.drained(std::chrono::steady_clock::time_point::max());
    co_await m_pop3.drained(std::chrono::steady_clock::time_point::max());
    m_metrics.stop();  // until here /readyz says that this node goes
    m_metrics.abort();
    co_await m_metrics.drained(std::chrono::steady_clock::time_point::max());
    co_await m_challengeListener.end();
    co_await m_web.end();
    try {
        co_await keepTimes();
    } catch (const Error& error) {
        log::notice("the times of mail since the last minute are lost", {{"cause", error.what()}});
    }
    m_stopped = true;
    m_signals.cancel();
}

}  // namespace gateway
