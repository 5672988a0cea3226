// One attempt to get a certificate: account, order, challenges, and the pair on the disk. Goes on
// with an order that was cut short. Never leaves a challenge behind, and never touches the
// certificate in use before the new one is whole.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>

#include "acme/acme_folder.h"
#include "acme/challenge.h"
#include "acme/order.h"
#include "acme/renewal.h"

namespace acme {

struct RenewerOptions {
    std::string directory;
    std::string contact;  ///< a mail address; or empty
    std::string hostname;
    std::string domain;
    std::vector<std::string> names;  ///< empty: hostname, and domain where it leads here too
    ChallengeType challenge = ChallengeType::Http01;
    std::string profile;
    std::filesystem::path hook;
    std::string bindingKeyId;
    std::filesystem::path bindingKeyFile;
    std::filesystem::path caFile;
    std::string minimumTls = "1.2";
    std::uint16_t checkPort = 80;              ///< where our own challenges are looked at first
    std::chrono::seconds revocationTime{300};  ///< for all of one
};

/// What attempts are made with; all of it outlives them.
struct Workshop {
    using Send = std::function<asio::awaitable<gateway::HttpAnswer>(gateway::HttpCall)>;

    asio::any_io_executor executor;
    asio::thread_pool& worker;
    AcmeFolder& folder;  ///< only ever used on the worker
    const RenewerOptions& options;
    Challenges& challenges;
    Send send;
    int stopHooks = -1;                         ///< see HookCall
    std::set<asio::steady_timer*> pauses = {};  ///< cancelled to stop
    bool stopping = false;
    /// Tells others who are reached by the same names what is to be shown there; nothing: no more.
    /// Returns once they know, or could have known.
    std::function<asio::awaitable<void>(std::vector<Proof> proofs)> announce = {};

    /// Waits so long, or until it stops.
    asio::awaitable<void> wait(std::chrono::steady_clock::duration time);
    /// To the authority, verified as the options say.
    asio::awaitable<gateway::HttpAnswer> ask(gateway::HttpCall call);
};

/// Belongs to the I/O thread.
class RenewalAttempt {
public:
    RenewalAttempt(Workshop& workshop, Ordered wanted, std::string replaces);
    ~RenewalAttempt();
    RenewalAttempt(const RenewalAttempt&) = delete;
    RenewalAttempt& operator=(const RenewalAttempt&) = delete;

    /// Nothing where issued() is on the disk; else why not. Throws Error where our own disk or
    /// files do not do their part.
    asio::awaitable<std::optional<Failure>> run();

    std::shared_ptr<const gateway::net::TlsContext> issued() const { return m_issued; }
    const std::string& account() const { return m_account; }
    const Directory& directory() const { return m_directory; }

    static constexpr std::chrono::minutes kMost{30};
    /// How long one that was cut short is gone on with, before another order is made.
    static constexpr std::chrono::hours kKept{12};
    /// A certificate that begins within this time is waited for.
    static constexpr std::chrono::seconds kClockApart{60};

private:
    struct Prepared {
        AcmeFolder::Opened opened;
        Registration registration;
    };
    Prepared prepare();
    asio::awaitable<std::optional<Failure>> runOne(Prepared& prepared);
    asio::awaitable<std::optional<Failure>> play(Order& order, const AccountKey& key);
    asio::awaitable<void> keepOrder(gateway::WallTime until);
    asio::awaitable<std::optional<Failure>> present(const std::vector<Proof>& proofs);
    asio::awaitable<std::optional<Failure>> checkOurselves(const std::vector<Proof>& proofs);
    asio::awaitable<std::optional<std::string>> hook(const char* action, Proof proof);
    asio::awaitable<void> announce(std::vector<Proof> proofs);
    asio::awaitable<void> withdraw();
    asio::awaitable<void> remember(const Order& order, const AccountKey& key);
    asio::awaitable<void> keepAccount(const AccountKey& key, Account account);
    asio::awaitable<std::optional<Failure>> install(std::string chain);
    /// Sets m_issued, and m_chain to what is to be installed; or says what is wrong.
    std::string examine(const std::string& chain);
    asio::awaitable<std::optional<Failure>> untilItBegins(gateway::WallTime begins);
    /// Throws Error(Config) where the file is not what the authority gave.
    Registration registration() const;

    Workshop& m_workshop;
    Ordered m_wanted;
    std::string m_replaces;
    std::string m_key;
    std::string m_account;
    Directory m_directory;
    std::string m_seen;  ///< what our own look at the challenges showed
    std::vector<Proof> m_presented;
    std::string m_order;  ///< the address of the one that is kept; or empty
    bool m_orderIsOver = false;
    bool m_orderIsGone = false;
    std::string m_chain;
    std::shared_ptr<const gateway::net::TlsContext> m_issued;
};

}  // namespace acme
