// Another node that this one calls, to exchange records: at once when either side's change, and
// every minute. Never waits for a twin that is slow longer than its limits, and never takes more of
// it than they allow.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>

#include "gateway/base/clock.h"
#include "gateway/base/http_call.h"
#include "gateway/mail/registry.h"
#include "gateway/replica/exchange.h"
#include "gateway/replica/greeting.h"
#include "gateway/replica/waiting_news.h"

namespace gateway::replica {

/// Record files on their way out.
struct Portion {
    std::vector<std::string> bundles;
    std::size_t files = 0;  ///< how many of those asked for are dealt with; one at least
};

/// What became of the ACME challenges that a twin offered.
struct TakenChallenges {
    std::uint64_t held = 0;  ///< number of its node's offer that is here; or 0
    std::string refused;     ///< why; empty where they were taken
};

/// What a twin's client needs of the server. Called on the I/O thread.
struct TwinEngine {
    TwinEngine(asio::any_io_executor ioThread, asio::thread_pool& workers)
        : io(std::move(ioThread)), disk(workers) {}
    asio::any_io_executor io;
    asio::thread_pool& disk;
    std::function<asio::awaitable<HttpAnswer>(HttpCall call)> send;
    std::function<Greeting()> self;
    std::function<std::shared_ptr<const Registry>()> registry;
    /// Of those files, as many as a bundle usually holds.
    std::function<asio::awaitable<Portion>(std::vector<RecordFileKey> files)> portion;
    std::function<asio::awaitable<RegistryKeeper::Addition>(Bundle bundle)> add;
    /// This node's ChallengeOffer, signed; null where it never made one.
    std::function<nlohmann::json()> challenges;
    /// Takes an offer where it counts.
    std::function<asio::awaitable<TakenChallenges>(nlohmann::json offer)> takeChallenges;
    /// challengesThere() of a twin is another now.
    std::function<void()> challengesThere;
    WaitingNews* waiting = nullptr;  ///< null: nothing of it is told or asked
    /// Something that status tells of a twin is another now.
    std::function<void()> changed;
};

/// Where the twin is and how it is known.
struct TwinAddress {
    std::string url;
    std::string fingerprint;  ///< hex; empty: verified by CA
    std::filesystem::path tokenFile;
    std::string name;            ///< for people, until it says its own
    std::optional<NodeId> node;  ///< who must answer there, where that is known
    bool joined = false;         ///< by command; else it stands in postern.toml
    bool operator==(const TwinAddress&) const = default;
};

/// How the exchange with a twin fares.
struct TwinState {
    std::string name;
    std::optional<NodeId> node;
    std::string version;
    bool inStep = false;                   ///< both knew the same at the last exchange
    bool connected = false;                ///< either hears at once of the other's changes
    std::optional<WallTime> lastExchange;  ///< that came to its end
    std::optional<WallTime> lastInStep;
    std::optional<WallTime> failingSince;
    std::size_t differing = 0;  ///< mailboxes
    std::string error;          ///< empty where the last exchange came to its end
    std::string advice;
};

/// Belongs to the I/O thread. Its three coroutines keep it alive until they end.
class Twin : public std::enable_shared_from_this<Twin> {
public:
    struct Pace {
        std::chrono::milliseconds every{std::chrono::minutes(1)};
        std::chrono::milliseconds least{200};  ///< between two exchanges
        std::chrono::milliseconds longestPause{std::chrono::seconds(30)};  ///< after failures
    };

    Twin(TwinEngine engine, TwinAddress address, Pace pace);

    /// Exchange records, and listen for changes, until stop().
    static asio::awaitable<void> exchangeAgainAndAgain(std::shared_ptr<Twin> self);
    static asio::awaitable<void> listen(std::shared_ptr<Twin> self);
    static asio::awaitable<void> shareChallenges(std::shared_ptr<Twin> self);
    void stop();
    /// This node knows something new.
    void nudge();

    /// This node offers other ACME challenges.
    void challengesChanged();
    /// Number of our offer that it has; 0 where it has none.
    std::uint64_t challengesThere() const { return m_challengesThere; }

    const TwinAddress& address() const { return m_address; }
    const TwinState& state() const { return m_state; }

private:
    /// Why an exchange ended, and what to do.
    struct Trouble {
        std::string text;
        std::string advice;
    };
    struct Ear;

    asio::awaitable<bool> attempt();
    void note(const std::optional<Trouble>& trouble);
    asio::awaitable<void> exchange();
    asio::awaitable<void> exchangeWaiting();
    asio::awaitable<Greeting> greet();
    asio::awaitable<RecordDigests> list();
    asio::awaitable<void> fetch(const RecordDigests& theirs);
    asio::awaitable<void> offer(const RecordDigests& theirs);
    asio::awaitable<std::size_t> fetchSome(std::vector<RecordFileKey> wanted);
    HttpCall callOf(const char* method, const std::string& path) const;
    asio::awaitable<HttpAnswer> ask(HttpCall call);
    asio::awaitable<void> readToken();
    Trouble troubleOf(const HttpAnswer& answer) const;
    void heard(const std::string& digest);
    void heardChallenges(std::uint64_t sequence);
    bool offersChallenges() const;
    asio::awaitable<bool> attemptChallenges();
    asio::awaitable<void> exchangeChallenges();
    void heardOfWaiting(const std::string& mark);
    void setConnected(bool connected);
    std::chrono::milliseconds pauseAfter(unsigned failures) const;
    void rememberFor(std::chrono::steady_clock::duration time);

    const TwinEngine m_engine;
    const TwinAddress m_address;
    const Pace m_pace;
    asio::steady_timer m_pause;
    asio::steady_timer m_listenPause;
    asio::steady_timer m_challengePause;
    TwinState m_state;
    std::string m_token;
    std::shared_ptr<Ear> m_ear;
    bool m_over = false;
    bool m_wanted = false;  ///< another exchange
    unsigned m_failures = 0;
    bool m_challengesIdle = false;
    bool m_challengesWanted = false;      ///< an exchange of challenges
    std::uint64_t m_challengesOfIt = 0;   ///< number of its offer that is held here
    std::uint64_t m_challengesThere = 0;  ///< and of ours there
    std::string m_challengeTrouble;
    /// What was fetched or offered in this form, and yet did not make the two the same: it is held
    /// back or refused by one of them. Tried again after a while.
    RecordDigests m_fetched;
    RecordDigests m_offered;
    std::chrono::steady_clock::time_point m_forgetAt;
    std::string m_theirMark;  ///< of their news of what waits; empty where they tell none
    std::string m_toldMark;   ///< up to which they know this node's
};

}  // namespace gateway::replica
