#include "acme/renewer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sys/eventfd.h>

#include <asio/ip/tcp.hpp>
#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "acme/issued.h"
#include "acme/retry_after.h"
#include "crypto/digest.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/random.h"
#include "gateway/base/text.h"
#include "gateway/net/offload.h"

namespace acme {

namespace {

using gateway::HttpAnswer;
using gateway::HttpCall;
using gateway::WallTime;
using gateway::net::offload;
using namespace std::chrono_literals;

/// Also where nothing is due: DNS may have changed, or the clock been set.
constexpr std::chrono::minutes kMostRest{15};
constexpr std::chrono::hours kLongestWindow{24};  ///< see windowPause()

WallTime wallNow() { return std::chrono::system_clock::now(); }

std::string listed(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) {
        list += (list.empty() ? "" : ",") + name;
    }
    return list;
}

/// Sorted, so that they can be compared.
std::set<asio::ip::address> addressesOf(const asio::ip::tcp::resolver::results_type& results) {
    std::set<asio::ip::address> addresses;
    for (const auto& entry : results) {
        addresses.insert(entry.endpoint().address());
    }
    return addresses;
}

}  // namespace

Renewer::Renewer(asio::any_io_executor executor, std::filesystem::path folder,
                 RenewerOptions options, Challenges& challenges, Workshop::Send send, Use use)
    : m_executor(executor),
      m_folder(std::move(folder)),
      m_options(std::move(options)),
      m_use(std::move(use)),
      m_stopHooks(gateway::check(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd", "for hooks")),
      m_workshop{executor,   m_worker,        m_folder,         m_options,
                 challenges, std::move(send), m_stopHooks.get()},
      m_state(m_folder.loadState()),
      m_account(m_folder.knownAccount(m_options.directory).url),
      m_pause(executor) {}

Renewer::~Renewer() { m_worker.join(); }

asio::awaitable<void> Renewer::run() {
    while (!m_stopping) {
        std::string failure;
        try {
            co_await turn();
        } catch (const std::exception& error) {
            failure = error.what();
        }
        if (!failure.empty() && !m_stopping) {
            gateway::log::error("the certificate cannot be looked after; trying again in a minute",
                                {{"cause", failure}});
            m_plan = {wallNow() + 1min, "looking after it failed"};
            m_last = Failure{failure, "", {}};
            m_forced = false;
            answerWaiting();
        }
        co_await rest();
    }
}

asio::awaitable<void> Renewer::turn() {
    const std::optional<Held> held = co_await this->held();
    const Ordered wanted = co_await this->wanted(held);
    m_names = wanted.names;
    forgetOldSettings(wanted);
    co_await resumeRevocation(held);
    const bool isNew = held && m_state.windowOf != held->id;
    if (held && !held->id.empty() &&
        (isNew || !m_state.windowAsked || *m_state.windowAsked <= wallNow() ||
         *m_state.windowAsked > wallNow() + kLongestWindow)) {  // the clock was set back
        co_await askWindow(held->id);
    }
    const bool namesAreFixed = !m_options.names.empty();
    m_plan = planRenewal(held, wanted, namesAreFixed, m_state, wallNow());
    m_changed();
    if ((m_forced || m_plan->at <= wallNow()) && !m_stopping) {
        m_forced = false;
        co_await attempt(wanted, held);
        m_plan.reset();  // from what there is now
    }
}

asio::awaitable<void> Renewer::rest() {
    if (m_stopping || m_forced || !m_plan) {
        co_return;
    }
    WallTime until = std::min(m_plan->at, wallNow() + kMostRest);
    if (m_state.windowAsked) {
        until = std::min(until, std::max(*m_state.windowAsked, wallNow() + 1min));
    }
    m_pause.expires_after(std::max(until - wallNow(), WallTime::duration(0)));
    asio::error_code ignored;
    co_await m_pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<std::optional<Held>> Renewer::held() {
    auto read = [this]() -> std::optional<Held> {
        const auto pem = m_folder.certificate();
        if (!pem) {
            return std::nullopt;
        }
        try {
            const gateway::net::TlsContext usable(*pem, *pem, m_options.minimumTls);
            return heldOf(*pem);
        } catch (const gateway::Error& error) {
            gateway::log::warning(
                "the certificate of the authority is damaged; ordering another one",
                {{"file", m_folder.certificateFile().native()}, {"cause", error.what()}});
            return std::nullopt;
        }
    };
    co_return co_await offload(m_worker, std::move(read));
}

asio::awaitable<Ordered> Renewer::wanted(const std::optional<Held>& held) {
    Ordered wanted{m_options.directory, m_options.profile, m_options.names};
    if (wanted.names.empty()) {
        wanted.names = {m_options.hostname};
        if (m_options.domain != m_options.hostname) {
            asio::ip::tcp::resolver resolver(m_executor);
            asio::error_code hostError;
            asio::error_code domainError;
            const auto host = co_await resolver.async_resolve(
                m_options.hostname, "25", asio::redirect_error(asio::use_awaitable, hostError));
            const auto domain = co_await resolver.async_resolve(
                m_options.domain, "25", asio::redirect_error(asio::use_awaitable, domainError));
            const auto ours = addressesOf(host);
            const auto theirs = addressesOf(domain);
            const bool leadsHere = std::any_of(theirs.begin(), theirs.end(),
                                               [&](const auto& a) { return ours.contains(a); });
            // DNS that fails for an hour must not cost a name that the certificate has.
            const bool unknown = (hostError || domainError) && held &&
                                 std::find(held->names.begin(), held->names.end(),
                                           m_options.domain) != held->names.end();
            if (leadsHere || unknown) {
                wanted.names.push_back(m_options.domain);
            }
        }
    }
    std::sort(wanted.names.begin(), wanted.names.end());
    wanted.names.erase(std::unique(wanted.names.begin(), wanted.names.end()), wanted.names.end());
    co_return wanted;
}

asio::awaitable<void> Renewer::askWindow(const std::string& id) {
    HttpCall call;
    call.url = m_options.directory;
    HttpAnswer answer = co_await m_workshop.ask(std::move(call));
    const auto directory = answer.status == 200 ? Directory::parse(answer.body) : std::nullopt;
    if (directory && !directory->renewalInfo.empty()) {
        HttpCall question;
        question.url = directory->renewalInfo + '/' + id;
        answer = co_await m_workshop.ask(std::move(question));
    }
    const auto window =
        directory && answer.status == 200 ? parseRenewalInfo(answer.body) : std::nullopt;
    const WallTime now = wallNow();
    if (window && window != m_state.window) {
        gateway::log::info("the authority suggests when to renew the certificate",
                           {{"from", gateway::formatTimestamp(window->start)},
                            {"to", gateway::formatTimestamp(window->end)},
                            {"explanation", window->explanation}});
    }
    if (window || m_state.windowOf != id) {  // what was said before holds while nobody answers
        m_state.window = window;
        m_state.windowOf = id;
    }
    m_state.windowAsked = now + windowPause(retryAfter(answer, now));
    co_await saveState();
}

void Renewer::forgetOldSettings(const Ordered& wanted) {
    const std::string digest = digestOfSettings();
    if (m_state.settings != digest && m_state.failures > 0) {
        m_state.failures = 0;
        if (m_state.lastDirectory != wanted.directory) {
            m_state.notBefore.reset();
        }
    }
    m_state.settings = digest;
}

std::string Renewer::digestOfSettings() const {
    std::string all;
    for (const std::string& setting :
         {m_options.directory, m_options.profile, listed(m_options.names), m_options.hostname,
          m_options.domain, m_options.contact, std::string(nameOf(m_options.challenge)),
          m_options.hook.native(), m_options.bindingKeyId, m_options.bindingKeyFile.native(),
          m_options.caFile.native()}) {
        all += setting + '\n';
    }
    return gateway::hexOf(crypto::sha256(gateway::octetsOf(all)));
}

asio::awaitable<void> Renewer::attempt(Ordered wanted, std::optional<Held> held) {
    m_underWay = true;
    m_changed();
    const RenewalState before = m_state;
    begin(wanted);
    try {
        co_await saveState();
    } catch (...) {
        takeUp(before);  // what cannot be remembered is not begun
        throw;
    }
    const bool sameAuthority = !m_state.ordered || m_state.ordered->directory == wanted.directory;
    RenewalAttempt attempt(m_workshop, wanted, held && sameAuthority ? held->id : "");
    std::optional<Failure> failure;
    try {
        failure = co_await attempt.run();
        if (!failure) {
            co_await m_use(attempt.issued());
        }
    } catch (const std::exception& error) {
        failure = Failure{error.what(), "", {}};
    }
    if (!attempt.account().empty()) {
        m_account = attempt.account();
    }
    const auto& identities = attempt.directory().caaIdentities;
    if (m_stopping && failure) {
        takeUp(before);  // nobody's fault
        m_last = std::move(failure);
    } else {
        m_state.caaIdentity = identities.empty() ? "" : gateway::printable(identities.front(), 100);
        if (!failure) {
            const auto& facts = attempt.issued()->facts();
            gateway::log::notice("certificate of an authority in use",
                                 {{"names", listed(wanted.names)},
                                  {"issuer", facts.issuer},
                                  {"ends", gateway::formatTimestamp(facts.ends)},
                                  {"spki_sha256", facts.publicKeySha256}});
        }
        conclude(wanted, std::move(failure));
    }
    co_await saveState();
    answerWaiting();
}

void Renewer::takeUp(RenewalState state) {
    state.revocation = m_state.revocation;  // which is no attempt's
    m_state = std::move(state);
}

void Renewer::answerWaiting() {
    m_underWay = false;
    ++m_attempts;
    m_changed();
    for (asio::steady_timer* const waiting : m_waiting) {
        waiting->cancel();
    }
}

void Renewer::begin(const Ordered& wanted) {
    m_state.dice = gateway::randomFraction();
    m_state.lastAttempt = wallNow();
    m_state.lastDirectory = wanted.directory;
    m_state.notBefore.reset();
    ++m_state.failures;  // a server that ends in the middle has failed as well
    m_state.lastError = "the server ended in the middle of it";
    m_state.lastAdvice.clear();
}

void Renewer::conclude(const Ordered& wanted, std::optional<Failure> failure) {
    m_last = std::move(failure);
    if (!m_last) {
        m_state.failures = 0;
        m_state.lastRenewed = wallNow();
        m_state.lastError.clear();
        m_state.ordered = wanted;
        return;
    }
    m_state.lastError = m_last->text;
    m_state.lastAdvice = m_last->advice;
    m_state.notBefore = m_last->notBefore;
    const WallTime next =
        m_last->notBefore.value_or(wallNow() + backOff(m_state.failures, m_state.dice));
    gateway::log::warning("no new certificate from the authority; the present one serves on",
                          {{"cause", m_last->text},
                           {"advice", m_last->advice},
                           {"next_attempt", gateway::formatTimestamp(next)}});
}

asio::awaitable<void> Renewer::saveState() {
    auto save = [this, state = m_state] { m_folder.saveState(state); };
    co_await offload(m_worker, std::move(save));
}

asio::awaitable<std::optional<Failure>> Renewer::renewNow() {
    const std::size_t before = m_attempts;
    if (!m_underWay) {
        m_forced = true;
        m_pause.cancel();
    }
    asio::steady_timer over(m_executor);
    m_waiting.insert(&over);
    while (m_attempts == before && !m_stopping) {
        over.expires_at(std::chrono::steady_clock::time_point::max());
        asio::error_code ignored;
        co_await over.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    m_waiting.erase(&over);
    co_return m_attempts == before ? Failure{"the server stops", "", {}} : m_last;
}

void Renewer::stop() {
    m_stopping = true;
    m_workshop.stopping = true;
    ::eventfd_write(m_stopHooks.get(), 1);
    m_pause.cancel();
    for (const auto& timers : {m_waiting, m_workshop.pauses}) {
        for (asio::steady_timer* const timer : timers) {
            timer->cancel();
        }
    }
}

RenewerStatus Renewer::status() const {
    RenewerStatus status;
    status.directory = m_options.directory;
    status.challenge = nameOf(m_options.challenge);
    status.names = m_names;
    status.account = m_account;
    if (!m_account.empty() && !m_state.caaIdentity.empty()) {
        status.caa = "0 issue \"" + m_state.caaIdentity + "; accounturi=" + m_account +
                     "; validationmethods=" + status.challenge + '"';
    }
    status.isUnderWay = m_underWay;
    status.plan = m_plan;
    status.failures = m_state.failures;
    status.lastAttempt = m_state.lastAttempt;
    status.lastError = m_underWay ? "" : m_state.lastError;
    status.lastAdvice = m_state.lastAdvice;
    return status;
}

}  // namespace acme
