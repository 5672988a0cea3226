// The server: owns every part in construction order, which is the architecture.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <asio/awaitable.hpp>
#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>

#include "acme/certificate_store.h"
#include "acme/certificate_watch.h"
#include "acme/challenge.h"
#include "acme/renewer.h"
#include "gateway/challenge_listener.h"
#include "gateway/config.h"
#include "gateway/control_server.h"
#include "gateway/data_lock.h"
#include "gateway/drain.h"
#include "gateway/house.h"
#include "gateway/mail/registry.h"
#include "gateway/mailbox_view.h"
#include "gateway/net/http_client.h"
#include "gateway/net/http_server.h"
#include "gateway/net/listener.h"
#include "gateway/net/one_at_a_time.h"
#include "gateway/operations.h"
#include "gateway/shared_answer.h"
#include "gateway/status.h"
#include "gateway/store/directory_store.h"
#include "gateway/twins.h"
#include "gateway/watch/alerts.h"
#include "gateway/watch/arrival_hours.h"
#include "gateway/watch/disk_trend.h"
#include "gateway/web_accounts.h"
#include "gateway/web_server.h"
#include "pop3/server.h"
#include "smtp/server.h"

namespace gateway {

/// One thread runs the I/O and owns all state; the pools only ever see moved values.
class Daemon {
public:
    /// Makes or opens the data directory, reads records, binds the ports. Throws Error where the
    /// server cannot start, saying what to do.
    explicit Daemon(Config config);
    ~Daemon();
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    /// Serves until SIGTERM or SIGINT; SIGHUP reloads. Then takes nothing new, gives messages in
    /// flight `kGrace`, and returns.
    void run();

private:
    static constexpr std::chrono::seconds kGrace{30};
    static constexpr std::size_t kMostPop3Sessions = 1000;

    using Job = std::function<asio::awaitable<void>()>;

    void openListeners();
    void listenForMetrics();
    void listen(net::Listener& listener, const std::vector<ListenAddress>& addresses,
                const std::string& key, bool tlsFromStart) const;
    std::shared_ptr<const net::TlsContext> loadCertificate(const Config& config);

    /// Runs `job` now and then `every` so often until the server stops. What it throws is logged
    /// once, and it is tried again at its next time.
    void schedule(std::string name, std::chrono::steady_clock::duration every, Job job);
    asio::awaitable<void> repeat(std::string name, std::chrono::steady_clock::duration every,
                                 Job job);
    /// Makes `registry` the one that sessions see, and says what is wrong with its files.
    void takeOver(const std::shared_ptr<const Registry>& registry);
    asio::awaitable<void> watchRecords();
    asio::awaitable<void> watchDisk();
    asio::awaitable<void> purgeDeleted();
    void judgeRoom(std::uint64_t available, WallTime now);
    asio::awaitable<void> purgeEarly(std::uint64_t octets);
    /// Takes a renewed certificate, and says when the one in use comes to its end.
    asio::awaitable<void> watchCertificate();
    void sayWhenCertificateEnds();
    CertificateState certificateState() const;
    nlohmann::json certificateStatus() const;
    /// Where the certificate comes from an authority.
    void prepareAcme();
    void stopAcme();
    asio::awaitable<void> announceChallenges(std::vector<acme::Proof> proofs);
    void showChallenges(const std::vector<replica::ChallengeShelf::Held>& held);
    asio::awaitable<void> useIssued(std::shared_ptr<const net::TlsContext> issued);
    /// certificate.renew, certificate.revoke
    asio::awaitable<nlohmann::json> certificateRequest(nlohmann::json request);
    /// The drain that was asked for before the start.
    void takeUpDrain();
    void takeOverDrain(std::optional<Drain> drain);
    /// drain.on, drain.off, drain.show
    asio::awaitable<nlohmann::json> drainRequest(nlohmann::json request);
    asio::awaitable<void> watchDrain();
    void prepareAlerts();
    asio::awaitable<void> watchAlerts();
    asio::awaitable<void> keepAlerts();
    asio::awaitable<void> tellAlert(Alerts::Notice notice);
    TwinsHouse twinsHouse();
    asio::awaitable<HttpAnswer> call(HttpCall call);
    nlohmann::json twinList() const;
    /// Counts, for the twins, what may wait otherwise than it did.
    asio::awaitable<void> watchWaiting();
    asio::awaitable<void> forgetIdleKeys();
    void loadTimes();
    asio::awaitable<void> keepTimes();
    std::unique_ptr<ReceiptLog> makeReceipts() const;
    smtp::Engine smtpEngine();
    pop3::Engine pop3Engine();
    /// What becomes of messages, for their receipts: daemon_receipts.cpp.
    void tellReceipts(pop3::Engine& engine);
    DirectoryStore::OnPurged onPurged() const;
    std::optional<HealthSnapshot::Receipts> receiptTrouble() const;
    asio::awaitable<void> dropOldReceipts();
    /// Keys that were opened, but made before there was a recovery key.
    void coverKeys(const std::shared_ptr<const pop3::UnlockedMailbox>& opened);
    asio::awaitable<void> sealForRecovery(std::shared_ptr<const pop3::UnlockedMailbox> opened);

    asio::awaitable<void> handleSignals();
    asio::awaitable<void> reload();
    asio::awaitable<void> stop();
    asio::awaitable<nlohmann::json> control(nlohmann::json request, Descriptor file);
    asio::awaitable<nlohmann::json> importFile(nlohmann::json request, Descriptor file);
    asio::awaitable<nlohmann::json> status();
    /// As much of it as the keys of all sessions take; says where not.
    static bool canLockMemory();
    /// `/metrics`, `/healthz` and `/readyz`.
    asio::awaitable<net::HttpResponse> answerMonitoring(net::HttpRequest request);
    asio::awaitable<net::HttpResponse> metrics();
    asio::awaitable<net::HttpResponse> readiness();
    /// Why no mail can be taken; empty where it can, as far as is known without a look at the disk.
    std::string whyNotReady() const;
    static net::Listener::Limits metricsLimits();
    webui::Engine webEngine();
    bool isOurName(const std::string& host) const;
    asio::awaitable<nlohmann::json> carryOutForPage(nlohmann::json request);
    asio::awaitable<nlohmann::json> mailboxTable();
    asio::awaitable<void> watchWebAccounts();
    /// What the page watches and looks into: daemon_watch.cpp.
    void completeWebEngine(webui::Engine& engine);
    std::shared_ptr<webui::Events> makeEvents();
    /// Something of this changed: those who watch hear of it, and who asks now sees it.
    void tell(webui::Events::Topic topic);
    asio::awaitable<nlohmann::json> exportBackup(bool withAdmins,
                                                 std::optional<crypto::Password> passphrase);
    asio::awaitable<nlohmann::json> importBackup(nlohmann::json request, std::string file,
                                                 std::optional<crypto::Password> passphrase);

    const Config m_config;
    const Layout m_layout;
    const DataLock m_lock;
    DirectoryStore m_store;
    RegistryKeeper m_keeper;                       ///< only ever used on m_records
    const std::unique_ptr<ReceiptLog> m_receipts;  ///< null where none are kept
    acme::CertificateStore m_certificates;
    acme::CertificateWatch m_certificateWatch;  ///< only ever used on m_slow
    Operations m_operations;                    ///< only ever used on m_records

    asio::io_context m_io{1};
    asio::thread_pool m_disk;
    asio::thread_pool m_cpu;
    asio::thread_pool m_records;     ///< one thread: reads and writes records
    asio::thread_pool m_slow;        ///< one thread: purging, certificates
    asio::thread_pool m_fetches{1};  ///< one thread: receipts that nobody waits for

    House m_house;
    Config::Tls m_tlsSettings;  ///< in force; a reload may have changed them
    net::TlsHolder m_tls;
    acme::Challenges m_challenges;
    std::unique_ptr<net::HttpClient> m_http;   ///< null until somebody is called
    std::unique_ptr<acme::Renewer> m_renewer;  ///< null where tls.source is not "acme"
    std::string m_certificateRefused;          ///< why what its files hold now is not used
    CertificateStage m_certificateSaid = CertificateStage::Fine;
    smtp::Options m_smtpOptions;
    pop3::Options m_pop3Options;
    smtp::MessageMemory m_messageMemory;
    smtp::Server m_smtpServer;
    pop3::Server m_pop3Server;
    net::HttpServer m_monitoring;
    net::OneAtATime m_oneScrape;
    net::OneAtATime m_oneProbe{m_io.get_executor()};
    net::Listener m_smtp;
    net::Listener m_pop3;
    net::Listener m_metrics;
    ChallengeListener m_challengeListener;
    WebAccounts m_webAccounts;
    MailboxView m_mailboxView{m_config, m_pop3Server, [this] { return m_house.registry(); },
                              m_store, m_disk};
    const std::shared_ptr<webui::Events> m_events = makeEvents();
    Twins m_twins;
    WebServer m_web;
    SharedAnswer m_shownStatus{m_io.get_executor(), [this] { return status(); }};
    SharedAnswer m_shownMailboxes{m_io.get_executor(), [this] { return mailboxTable(); }};
    net::OneAtATime m_oneSealing{m_io.get_executor()};  ///< of a backup: it takes 256 MiB
    ControlServer m_control;
    asio::signal_set m_signals;
    std::set<asio::steady_timer*> m_pauses;  ///< of scheduled jobs
    bool m_stopping = false;                 ///< nothing new is taken
    bool m_stopped = false;                  ///< and nothing old is left
    const WallTime m_started = std::chrono::system_clock::now();
    const bool m_memoryLocked = canLockMemory();
    std::optional<WallTime> m_drainedSaid;  ///< of the drain that began then
    DiskTrend m_diskTrend;
    std::optional<WallTime> m_roomShortSince;
    bool m_roomEndsSoon = false;           ///< by the trend
    bool m_purgesEarly = false;            ///< at this moment
    DirectoryStore::Purged m_purgedEarly;  ///< and not said yet
    std::optional<WallTime> m_purgeSaid;
    std::unique_ptr<net::HttpClient> m_alertHttp;  ///< null where there is no webhook
    Alerts m_alerts;
    Alerts m_keptAlerts;           ///< as they are on disk
    unsigned m_alertFailures = 0;  ///< in a row
    std::chrono::steady_clock::time_point m_alertPause;
    std::optional<HealthSnapshot::Webhook> m_alertTrouble;
    std::string m_alertsNotKept;   ///< why, where so
    std::set<MailboxId> m_waitingDue;  ///< mailboxes from which messages were deleted
    MailboxTimes m_waitingTimes;       ///< at the last count for the twins
    std::chrono::steady_clock::time_point m_waitingPause;
    std::chrono::steady_clock::time_point m_allWaitingDue;
    MailboxTimes m_keptTimes;      ///< as they are on disk
    ArrivalHours m_keptArrivals;   ///< as m_keptTimes
    TrafficHistory m_keptHistory;  ///< as m_keptTimes
};

/// Runs `postern serve` in the foreground. Returns the exit code; throws Error where it cannot
/// start.
int serve(const Config& config);

}  // namespace gateway
