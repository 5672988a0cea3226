// Looks after the certificate of an authority while the server runs: orders the first one, renews
// it in time, answers the challenges, puts the new one in use. Never gives up, never asks an
// authority more often than renewal.h allows, and never takes a certificate out of use.
#pragma once

#include <chrono>
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

#include "acme/renewal_attempt.h"
#include "gateway/base/durable_file.h"

namespace acme {

/// What is going on, for people.
struct RenewerStatus {
    std::string directory;
    std::string challenge;
    std::vector<std::string> names;
    std::string account;  ///< for a CAA record's accounturi (RFC 8657); empty before there is one
    std::string caa;      ///< what to write in it; empty where the authority has not said
    bool isUnderWay = false;
    std::optional<RenewalPlan> plan;
    int failures = 0;
    std::optional<gateway::WallTime> lastAttempt;
    std::string lastError;
    std::string lastAdvice;
};

/// Belongs to the I/O thread; what blocks is done on a thread of its own.
class Renewer {
public:
    using Use =
        std::function<asio::awaitable<void>(std::shared_ptr<const gateway::net::TlsContext>)>;

    /// Reads what is there. `challenges` must outlive it; `use` is given each new certificate.
    Renewer(asio::any_io_executor executor, std::filesystem::path folder, RenewerOptions options,
            Challenges& challenges, Workshop::Send send, Use use);
    ~Renewer();
    Renewer(const Renewer&) = delete;
    Renewer& operator=(const Renewer&) = delete;

    /// `changed` is called when status() says something else than before.
    void onChange(std::function<void()> changed) { m_changed = std::move(changed); }
    /// See Workshop::announce.
    void announceBy(std::function<asio::awaitable<void>(std::vector<Proof> proofs)> announce) {
        m_workshop.announce = std::move(announce);
    }

    /// Until stop(). What goes wrong is logged, and tried again.
    asio::awaitable<void> run();
    /// Orders now, whatever the plan says, or waits for the order that is under way. Nothing where
    /// a new certificate is in use.
    asio::awaitable<std::optional<Failure>> renewNow();
    /// Revokes the certificate in use (RFC 8555 section 7.6) and orders another one, by a key that
    /// was not there before. `reason` is one of RFC 5280 section 5.3.1. Where the server ends in
    /// the middle of it, it is done at the next start.
    asio::awaitable<std::optional<Failure>> revoke(int reason);
    void stop();

    RenewerStatus status() const;

private:
    asio::awaitable<void> turn();
    asio::awaitable<void> rest();
    asio::awaitable<void> askWindow(const std::string& id);
    asio::awaitable<void> attempt(Ordered wanted, std::optional<Held> held);
    void begin(const Ordered& wanted);
    /// As it was before an attempt.
    void takeUp(RenewalState state);
    /// m_last is what became of it.
    void answerWaiting();
    void conclude(const Ordered& wanted, std::optional<Failure> failure);
    asio::awaitable<Ordered> wanted(const std::optional<Held>& held);
    asio::awaitable<std::optional<Held>> held();
    asio::awaitable<void> saveState();
    /// Until an answer is there; else why none came.
    asio::awaitable<std::optional<Failure>> converse(
        Conversation& conversation, std::chrono::steady_clock::time_point deadline);
    /// As m_state.revocation says. `certificate` as of encodedCertificate().
    asio::awaitable<std::optional<Failure>> takeBack(std::string certificate);
    asio::awaitable<std::optional<Failure>> askToRevoke(std::string certificate);
    asio::awaitable<void> forgetOrder();
    /// What a run before this one did not come to the end of.
    asio::awaitable<void> resumeRevocation(const std::optional<Held>& held);
    /// A pause that an admin has ended by other settings is over.
    void forgetOldSettings(const Ordered& wanted);
    std::string digestOfSettings() const;

    asio::any_io_executor m_executor;
    AcmeFolder m_folder;  ///< only ever used on m_worker
    const RenewerOptions m_options;
    Use m_use;
    std::function<void()> m_changed = [] {};
    asio::thread_pool m_worker{1};
    gateway::Descriptor m_stopHooks;  ///< an eventfd
    Workshop m_workshop;

    RenewalState m_state;
    std::optional<RenewalPlan> m_plan;
    std::vector<std::string> m_names;
    std::string m_account;
    std::optional<Failure> m_last;  ///< of the last attempt
    std::size_t m_attempts = 0;
    bool m_forced = false;
    bool m_underWay = false;
    bool m_revoking = false;
    bool m_stopping = false;
    asio::steady_timer m_pause;
    std::set<asio::steady_timer*> m_waiting;  ///< for the end of an attempt
};

}  // namespace acme
