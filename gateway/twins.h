// The exchange of records with twins, both sides of it: those that this node calls, and what those
// that call it are answered; and of ACME challenges. Never decides what counts; never lets a twin
// hold more than its share.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>

#include "gateway/base/http_call.h"
#include "gateway/config.h"
#include "gateway/mail/registry.h"
#include "gateway/replica/challenge_shelf.h"
#include "gateway/replica/feed.h"
#include "gateway/replica/twin.h"
#include "gateway/replica/twins_file.h"
#include "gateway/replica/visitors.h"
#include "gateway/replica/waiting_news.h"
#include "gateway/twin_report.h"
#include "webui/engine.h"

namespace gateway {

/// What the twins need of the daemon.
struct TwinsHouse {
    TwinsHouse(asio::any_io_executor ioThread, asio::thread_pool& diskWorkers,
               asio::thread_pool& recordsLane, RegistryKeeper& recordKeeper)
        : io(std::move(ioThread)), disk(diskWorkers), records(recordsLane), keeper(recordKeeper) {}
    asio::any_io_executor io;
    asio::thread_pool& disk;
    asio::thread_pool& records;  ///< the only place where `keeper` may be asked
    RegistryKeeper& keeper;
    std::function<std::shared_ptr<const Registry>()> registry;
    std::function<void(const std::shared_ptr<const Registry>&)> takeOver;
    std::function<asio::awaitable<HttpAnswer>(HttpCall call)> send;
    /// Carries out what operations_twin.h documents.
    std::function<asio::awaitable<nlohmann::json>(nlohmann::json request)> perform;
    std::function<void(asio::awaitable<void> coroutine)> spawn;
    std::function<void()> changed;  ///< what report() tells
    /// These, and no others, are answered for twins from now on.
    std::function<void(std::vector<replica::ChallengeShelf::Held> held)> showChallenges;
};

/// Belongs to the I/O thread.
class Twins {
public:
    /// Reads the twins that were joined; blocking, at the start. Throws Error where their file
    /// cannot be read.
    Twins(const Config& config, TwinsHouse house);

    void start();
    void stop();
    /// This node knows something else, perhaps.
    void registryChanged();

    /// What the API answers to twins.
    webui::ReplicaEngine engine();
    /// twin.join: {invitation} → twin {name, node, url}. Never throws.
    asio::awaitable<nlohmann::json> join(nlohmann::json request);
    /// After an operation that may have changed the file of joined twins.
    asio::awaitable<void> reload();

    /// Has the twins answer these challenges of an ACME order too; nothing: no more. Returns once
    /// all know, or after some seconds.
    asio::awaitable<void> announce(std::vector<replica::SharedChallenge> challenges);
    /// Whether anybody hears what waits here.
    bool tellsWaiting() const { return any() || !m_visitors.all().empty(); }
    /// What waits in these mailboxes of this node, now.
    void setWaiting(const std::vector<std::pair<MailboxId, replica::Waiting>>& mailboxes);
    /// What waits on the twins, as they told it.
    std::vector<replica::TwinWaiting> waitingElsewhere() const;

    bool any() const { return !m_config.twins.empty() || !m_joined.twins().empty(); }
    std::vector<TwinReport> report() const;

private:
    /// What is under way for the holder of one token.
    class Transfer;

    replica::Greeting self() const;
    replica::TwinEngine twinEngine();
    void follow(const replica::TwinsFile& joined);
    std::vector<replica::TwinAddress> addresses() const;
    asio::awaitable<replica::Portion> portion(std::vector<RecordFileKey> files);
    asio::awaitable<RegistryKeeper::Addition> add(replica::Bundle bundle);

    asio::awaitable<net::HttpResponse> hello(webui::Call call);
    asio::awaitable<net::HttpResponse> list(webui::Call call);
    asio::awaitable<net::HttpResponse> fetch(webui::Call call);
    asio::awaitable<net::HttpResponse> takeRecords(webui::Call call);
    asio::awaitable<net::HttpResponse> listen(webui::Call call);
    asio::awaitable<net::HttpResponse> waiting(webui::Call call);
    asio::awaitable<net::HttpResponse> acceptTwin(webui::Call call);
    asio::awaitable<net::HttpResponse> exchangeChallenges(webui::Call call);
    /// Who shows that token, where it is who it should be.
    std::optional<replica::Teller> tellerOf(const std::string& token) const;
    asio::awaitable<nlohmann::json> trusted();
    asio::awaitable<nlohmann::json> joinBy(const nlohmann::json& request);

    asio::awaitable<replica::TakenChallenges> takeChallenges(nlohmann::json object);
    void offer(std::vector<replica::SharedChallenge> challenges);
    bool allKnowChallenges() const;
    asio::awaitable<void> judgeChallengesAnew();

    TwinReport reportOn(const replica::Twin& twin) const;
    TwinReport reportOn(const replica::JoinedTwin& joined) const;
    const replica::JoinedTwin* joinedOf(const replica::Twin& twin) const;

    const Config& m_config;
    const TwinsHouse m_house;
    const Layout m_layout{m_config.data};
    const WallTime m_started = std::chrono::system_clock::now();
    replica::TwinsFile m_joined;
    replica::Feed m_feed;
    replica::Visitors m_visitors;
    replica::WaitingNews m_news;
    std::vector<std::shared_ptr<replica::Twin>> m_twins;  ///< those that this node calls
    std::shared_ptr<std::map<std::string, unsigned>> m_transfers =
        std::make_shared<std::map<std::string, unsigned>>();
    std::set<std::string> m_uploads;  ///< ids of tokens whose records are being taken
    replica::ChallengeShelf m_shelf;
    nlohmann::json m_challenges;  ///< our offer, signed; null before there was one
    std::uint64_t m_challengesSequence = 0;
    bool m_offersChallenges = false;
    std::map<std::string, std::uint64_t> m_challengesAt;  ///< by token, the number it has
    asio::steady_timer m_toldChallenges;                  ///< cancelled when one came to know
    std::set<std::string> m_refusedChallenges;            ///< ids of tokens that were warned of
    bool m_running = false;
};

}  // namespace gateway
