#include "acme/renewal_attempt.h"

#include <algorithm>

#include <asio/redirect_error.hpp>
#include <asio/use_awaitable.hpp>

#include "acme/certificate_request.h"
#include "acme/dns_hook.h"
#include "acme/issued.h"
#include "crypto/base64.h"
#include "crypto/secret.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/net/offload.h"
#include "gateway/net/tls_pair.h"

namespace acme {

namespace {

using gateway::Error;
using gateway::HttpAnswer;
using gateway::HttpCall;
using gateway::net::offload;
using gateway::net::TlsContext;
using namespace std::chrono_literals;

constexpr std::size_t kMostKeyFile = 4096;
constexpr std::chrono::milliseconds kCheckTime{5000};
constexpr std::chrono::seconds kCleanUpTime{5};  ///< while the server stops

/// What makes the certificate useless for us; empty where nothing does.
std::string faultOf(const TlsContext& context, const std::vector<std::string>& wanted) {
    const auto& names = context.facts().names;
    for (const std::string& name : wanted) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            return "it lacks the name " + name;
        }
    }
    return context.facts().ends <= std::chrono::system_clock::now() ? "it has expired already" : "";
}

Failure tooLong() {
    return withoutEnd("the order takes longer than " +
                      std::to_string(RenewalAttempt::kMost.count()) + " minutes");
}

}  // namespace

asio::awaitable<void> Workshop::wait(std::chrono::steady_clock::duration time) {
    asio::steady_timer timer(executor);
    timer.expires_after(stopping ? std::chrono::steady_clock::duration(0) : time);
    pauses.insert(&timer);
    asio::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    pauses.erase(&timer);
}

asio::awaitable<HttpAnswer> Workshop::ask(HttpCall call) {
    call.caFile = options.caFile;
    co_return co_await send(std::move(call));
}

RenewalAttempt::RenewalAttempt(Workshop& workshop, Ordered wanted, std::string replaces)
    : m_workshop(workshop), m_wanted(std::move(wanted)), m_replaces(std::move(replaces)) {}

RenewalAttempt::~RenewalAttempt() { crypto::wipe(std::span<char>(m_key)); }

asio::awaitable<std::optional<Failure>> RenewalAttempt::run() {
    auto open = [this] { return prepare(); };
    Prepared prepared = co_await offload(m_workshop.worker, std::move(open));
    if (!prepared.opened.notice.empty()) {
        gateway::log::warning(prepared.opened.notice);
    }
    auto failure = co_await runOne(prepared);
    if (m_orderIsGone) {
        auto begin = [this] { return m_workshop.folder.newKey(); };
        m_key = co_await offload(m_workshop.worker, std::move(begin));
        m_order.clear();
        failure = co_await runOne(prepared);
    }
    if (failure && m_orderIsOver) {
        auto forget = [this] { m_workshop.folder.forgetOrder(); };
        co_await offload(m_workshop.worker, std::move(forget));
    }
    if (failure && !m_seen.empty()) {
        failure->text += "; " + m_seen;
    }
    co_return failure;
}

RenewalAttempt::Prepared RenewalAttempt::prepare() {
    AcmeFolder& folder = m_workshop.folder;
    Prepared prepared{folder.openAccount(m_wanted.directory), registration()};
    auto kept = folder.keptOrder(std::chrono::system_clock::now());
    if (kept && kept->wish == m_wanted && kept->account == prepared.opened.account.url) {
        m_key = std::move(kept->key);
        m_order = kept->url;
        gateway::log::info("going on with an order that was cut short", {{"order", m_order}});
    } else {
        m_key = folder.newKey();
    }
    return prepared;
}

asio::awaitable<std::optional<Failure>> RenewalAttempt::runOne(Prepared& prepared) {
    m_orderIsOver = false;
    AcmeFolder::Opened& opened = prepared.opened;
    Conversation conversation(m_wanted.directory, opened.key);
    Wish wish;
    wish.names = m_wanted.names;
    wish.challenge = m_workshop.options.challenge;
    wish.profile = m_wanted.profile;
    wish.request = certificateRequest(m_key, m_wanted.names);
    wish.replaces = m_replaces;
    wish.order = m_order;
    Order order(conversation, opened.account, prepared.registration, std::move(wish));
    std::optional<Failure> failure;
    std::exception_ptr thrown;
    try {
        failure = co_await play(order, opened.key);
    } catch (...) {
        thrown = std::current_exception();
    }
    co_await withdraw();
    m_directory = conversation.directory();
    opened.account = order.account();
    m_orderIsGone = order.next() == Order::Then::Failed && order.isGone();
    if (thrown) {
        std::rethrow_exception(thrown);
    }
    co_return failure;
}

asio::awaitable<std::optional<Failure>> RenewalAttempt::play(Order& order, const AccountKey& key) {
    const auto deadline = std::chrono::steady_clock::now() + kMost;
    m_account = order.account().url;
    for (;;) {
        if (m_workshop.stopping) {
            co_return Failure{"the server stops", "", {}};
        }
        if (std::chrono::steady_clock::now() > deadline) {
            co_return tooLong();
        }
        switch (order.next()) {
            case Order::Then::Send: {
                HttpAnswer answer = co_await m_workshop.ask(order.call());
                order.take(std::move(answer), std::chrono::system_clock::now());
                break;
            }
            case Order::Then::Wait:
                if (std::chrono::steady_clock::now() + order.pause() > deadline) {
                    Failure failure = tooLong();
                    failure.notBefore = std::chrono::system_clock::now() + order.pause();
                    co_return failure;
                }
                co_await m_workshop.wait(order.pause());
                order.waited();
                break;
            case Order::Then::Present: {
                auto failure = co_await present(order.proofs());
                if (failure) {
                    co_return failure;
                }
                order.presented();
                break;
            }
            case Order::Then::Finished:
                co_return co_await install(order.chain());
            case Order::Then::Failed:
                m_orderIsOver = !order.goesOn();
                co_return order.failure();
        }
        co_await remember(order, key);
    }
}

/// What would be lost with the server, as soon as it is known.
asio::awaitable<void> RenewalAttempt::remember(const Order& order, const AccountKey& key) {
    const std::string& account = order.account().url;
    if (!account.empty() && account != m_account) {
        m_account = account;
        co_await keepAccount(key, order.account());
        if (order.registered()) {
            gateway::log::notice("ACME account made; using it accepts the authority's terms",
                                 {{"account", m_account}, {"directory", m_wanted.directory}});
        }
    }
    if (!order.url().empty() && order.url() != m_order) {
        m_order = order.url();
        co_await keepOrder(std::chrono::system_clock::now() + kKept);
    }
}

asio::awaitable<void> RenewalAttempt::keepAccount(const AccountKey& key, Account account) {
    auto save = [this, &key, account = std::move(account)] {
        m_workshop.folder.saveAccount(m_wanted.directory, key, account);
    };
    co_await offload(m_workshop.worker, std::move(save));
}

asio::awaitable<void> RenewalAttempt::keepOrder(gateway::WallTime until) {
    auto keep = [this, until] {
        m_workshop.folder.keepOrder({m_order, m_account, m_wanted, until, m_key});
    };
    co_await offload(m_workshop.worker, std::move(keep));
}

Registration RenewalAttempt::registration() const {
    const RenewerOptions& options = m_workshop.options;
    Registration made;
    if (!options.contact.empty()) {
        made.contact = options.contact.find(':') == std::string::npos ? "mailto:" + options.contact
                                                                      : options.contact;
    }
    if (options.bindingKeyId.empty()) {
        return made;
    }
    made.bindingKeyId = options.bindingKeyId;
    std::string text = gateway::readWhole(options.bindingKeyFile, kMostKeyFile);
    std::string_view key = gateway::trimmed(text);
    while (key.ends_with('=')) {
        key.remove_suffix(1);
    }
    auto decoded = crypto::decodeSecretBase64(key, crypto::Base64::Url);
    if (!decoded) {
        decoded = crypto::decodeSecretBase64(key, crypto::Base64::Unpadded);
    }
    crypto::wipe(std::span<char>(text));
    if (!decoded || decoded->size() == 0) {
        throw Error(Error::Kind::Config,
                    options.bindingKeyFile.native() +
                        " holds no HMAC key in base64url; write the one that the authority gave "
                        "with acme.eab_key_id, and nothing else");
    }
    made.bindingKey = std::move(*decoded);
    return made;
}

asio::awaitable<std::optional<Failure>> RenewalAttempt::present(const std::vector<Proof>& proofs) {
    for (const Proof& proof : proofs) {
        m_presented.push_back(proof);  // first: what was begun is withdrawn as well
        switch (m_workshop.options.challenge) {
            case ChallengeType::Http01:
                m_workshop.challenges.add(proof.token, proof.keyAuthorization);
                break;
            case ChallengeType::TlsAlpn01:
                m_workshop.challenges.addTlsAlpn(
                    proof.name, makeTlsAlpnContext(proof.name, proof.keyAuthorization));
                break;
            case ChallengeType::Dns01:
                if (auto fault = co_await hook("present", proof)) {
                    co_return Failure{*fault,
                                      "see what acme.hook needs; it is run as the user of the "
                                      "server, without a shell",
                                      {}};
                }
        }
    }
    co_await announce(proofs);
    if (m_workshop.options.challenge == ChallengeType::Http01) {
        co_return co_await checkOurselves(proofs);
    }
    co_return std::nullopt;
}

asio::awaitable<std::optional<Failure>> RenewalAttempt::checkOurselves(
    const std::vector<Proof>& proofs) {
    std::set<std::string> seen;
    for (const Proof& proof : proofs) {
        if (!seen.insert(proof.name).second) {
            continue;
        }
        const std::uint16_t port = m_workshop.options.checkPort;
        HttpCall call;
        call.url = "http://" + proof.name + (port == 80 ? "" : ':' + std::to_string(port));
        call.url += std::string(kChallengePath) + proof.token;
        call.direct = true;
        call.time = kCheckTime;
        const HttpAnswer answer = co_await m_workshop.send(std::move(call));
        if (answer.trouble != HttpAnswer::Trouble::None) {
            // From inside, many networks cannot reach their own outer address: no proof of a fault.
            m_seen += (m_seen.empty() ? "" : "; ") + ("seen from here, " + proof.name) +
                      " cannot be reached at port " + std::to_string(port) + " (" +
                      gateway::printable(answer.cause) + ')';
        } else if (gateway::trimmed(answer.body) != proof.keyAuthorization &&
                   answer.status / 100 != 3) {  // authorities follow redirects
            co_return Failure{
                "at port " + std::to_string(port) + " of " + proof.name +
                    " somebody else answers (HTTP status " + std::to_string(answer.status) +
                    "); the authority was not asked",
                "let " + proof.name +
                    " lead to this server and twins of it only (A and AAAA records), and port 80 "
                    "to acme.listen, past other web servers and proxies",
                {}};
        }
    }
    co_return std::nullopt;
}

asio::awaitable<std::optional<std::string>> RenewalAttempt::hook(const char* action, Proof proof) {
    HookCall call;
    call.program = m_workshop.options.hook;
    call.action = action;
    call.fqdn = "_acme-challenge." + proof.name + '.';
    call.value = dnsValueOf(proof);
    call.stop = m_workshop.stopHooks;
    call.grace = call.action == "cleanup" ? kCleanUpTime : 0s;
    auto run = [call = std::move(call)] { return runHook(call); };
    co_return co_await offload(m_workshop.worker, std::move(run));
}

asio::awaitable<void> RenewalAttempt::announce(std::vector<Proof> proofs) {
    if (m_workshop.announce && m_workshop.options.challenge != ChallengeType::Dns01) {
        co_await m_workshop.announce(std::move(proofs));
    }
}

asio::awaitable<void> RenewalAttempt::withdraw() {
    if (!m_presented.empty()) {
        std::vector<Proof> none;
        co_await announce(std::move(none));
    }
    for (const Proof& proof : m_presented) {
        m_workshop.challenges.remove(proof.token);
        m_workshop.challenges.removeTlsAlpn(proof.name);
        if (m_workshop.options.challenge == ChallengeType::Dns01) {
            if (const auto fault = co_await hook("cleanup", proof)) {
                gateway::log::warning("a TXT record of an ACME challenge was not removed",
                                      {{"name", proof.name}, {"cause", *fault}});
                if (m_workshop.stopping) {
                    break;  // it would take as long for each of them
                }
            }
        }
    }
    m_presented.clear();
}

std::string RenewalAttempt::examine(const std::string& chain) {
    std::string fault;
    try {
        // Our key first, so that it is the one: only certificates are taken from outside.
        std::string all = m_key + chain;
        auto pair = gateway::net::readPair(all, "").value_or(gateway::net::CertificateAndKey());
        crypto::wipe(std::span<char>(all));
        crypto::wipe(std::span<char>(pair.key));
        m_issued =
            std::make_shared<TlsContext>(pair.certificate, m_key, m_workshop.options.minimumTls);
        m_chain = std::move(pair.certificate);
        fault = faultOf(*m_issued, m_wanted.names);
    } catch (const Error& error) {
        fault = error.what();
    }
    return fault;
}

asio::awaitable<std::optional<Failure>> RenewalAttempt::install(std::string chain) {
    auto look = [this, chain = std::move(chain)] { return examine(chain); };
    const std::string fault = co_await offload(m_workshop.worker, std::move(look));
    if (!fault.empty()) {
        m_issued.reset();
        m_orderIsOver = true;
        co_return withoutEnd("the certificate that the authority issued is of no use: " + fault);
    }
    if (auto failure = co_await untilItBegins(m_issued->facts().begins)) {
        m_issued.reset();
        co_return failure;
    }
    auto put = [this] { m_workshop.folder.install(m_chain, m_key); };
    co_await offload(m_workshop.worker, std::move(put));
    co_return std::nullopt;
}

/// Whoever checks it would refuse it before; what serves now does until then.
asio::awaitable<std::optional<Failure>> RenewalAttempt::untilItBegins(gateway::WallTime begins) {
    const auto left = begins - std::chrono::system_clock::now();
    if (left <= 0s) {
        co_return std::nullopt;
    }
    if (left > kClockApart) {
        co_await keepOrder(begins + kKept);
        co_return Failure{"the certificate that the authority issued is not valid before " +
                              gateway::formatTimestamp(begins) +
                              "; it is put in use then, and the present one serves on",
                          "see that the clock of this server is right (timedatectl)", begins};
    }
    co_await m_workshop.wait(std::chrono::ceil<std::chrono::milliseconds>(left));
    if (m_workshop.stopping) {
        co_return Failure{"the server stops", "", {}};
    }
    co_return std::nullopt;
}

}  // namespace acme
