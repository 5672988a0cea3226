// Taking a certificate back (RFC 8555 section 7.6) and putting another one in its place.
// Never revokes what it cannot replace with the same account.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "acme/issued.h"
#include "acme/renewer.h"
#include "gateway/base/log.h"
#include "gateway/net/offload.h"

namespace acme {

namespace {

using Progress = Conversation::Progress;
using gateway::net::offload;

class Under {
public:
    explicit Under(bool& flag) : m_flag(flag) { m_flag = true; }
    ~Under() { m_flag = false; }
    Under(const Under&) = delete;
    Under& operator=(const Under&) = delete;

private:
    bool& m_flag;
};

}  // namespace

asio::awaitable<std::optional<Failure>> Renewer::converse(
    Conversation& conversation, std::chrono::steady_clock::time_point deadline) {
    for (;;) {
        const auto left = deadline - std::chrono::steady_clock::now();
        gateway::HttpCall call = conversation.next();
        call.time = std::clamp(std::chrono::floor<std::chrono::milliseconds>(left),
                               std::chrono::milliseconds(1), call.time);
        gateway::HttpAnswer answer = co_await m_workshop.ask(std::move(call));
        const Progress progress =
            conversation.take(std::move(answer), std::chrono::system_clock::now());
        const auto pause =
            progress == Progress::Pause ? conversation.pause() : std::chrono::seconds(0);
        if (progress == Progress::Answered) {
            co_return std::nullopt;
        }
        if (progress == Progress::Failed) {
            co_return conversation.failure();
        }
        if (std::chrono::steady_clock::now() + pause >= deadline) {
            co_return withoutEnd("the revocation takes longer than " +
                                 std::to_string(m_options.revocationTime.count()) + " seconds");
        }
        if (progress == Progress::Pause) {
            co_await m_workshop.wait(pause);
        }
    }
}

asio::awaitable<std::optional<Failure>> Renewer::revoke(int reason) {
    if (m_revoking) {
        co_return Failure{"the certificate is being revoked already", "", {}};
    }
    const Under revoking(m_revoking);
    auto read = [this] {
        const std::string pem = m_folder.certificate().value_or("");
        return std::pair(heldOf(pem), encodedCertificate(pem));
    };
    const auto [held, certificate] = co_await offload(m_worker, std::move(read));
    if (!held) {
        co_return Failure{"there is no certificate that could be revoked",
                          "see `postern certificate status`",
                          {}};
    }
    // Before anybody is asked: one that may be revoked must not be served on after a crash.
    m_state.revocation = Revocation{held->sha256, reason, false};
    if (auto failure = co_await takeBack(certificate)) {
        co_return failure;
    }
    if (m_underWay) {
        co_await renewNow();  // by a key that may have been stolen as well
        co_await forgetOrder();
    }
    co_return co_await renewNow();
}

asio::awaitable<void> Renewer::forgetOrder() {
    auto forget = [this] { m_folder.forgetOrder(); };
    co_await offload(m_worker, std::move(forget));
}

asio::awaitable<std::optional<Failure>> Renewer::takeBack(std::string certificate) {
    std::optional<Failure> failure;
    std::exception_ptr thrown;
    try {
        co_await saveState();
        failure = co_await askToRevoke(std::move(certificate));
        if (!failure) {
            co_await forgetOrder();
        }
    } catch (...) {
        thrown = std::current_exception();
    }
    if (!failure && !thrown) {
        m_state.revocation->isDone = true;
        gateway::log::notice("certificate revoked; ordering another one",
                             {{"authority", hostOf(m_options.directory)}});
    } else if (failure && m_stopping) {
        failure->text = "the server stops; the certificate is revoked when it starts again";
        failure->advice.clear();
        co_return failure;
    } else {
        m_state.revocation.reset();
    }
    if (thrown) {
        std::rethrow_exception(thrown);
    }
    co_await saveState();
    co_return failure;
}

asio::awaitable<std::optional<Failure>> Renewer::askToRevoke(std::string certificate) {
    auto open = [this] { return m_folder.openAccount(m_options.directory); };
    const auto opened = co_await offload(m_worker, std::move(open));
    if (!opened.notice.empty()) {
        gateway::log::warning(opened.notice);
    }
    if (opened.account.url.empty()) {
        co_return Failure{"there is no account at " + hostOf(m_options.directory) +
                              " that could revoke the certificate",
                          "see `postern certificate status`",
                          {}};
    }
    const auto deadline = std::chrono::steady_clock::now() + m_options.revocationTime;
    Conversation conversation(m_options.directory, opened.key);
    conversation.setCircumstances(m_options.challenge, m_options.profile);
    conversation.setAccount(opened.account.url);
    conversation.start();
    if (auto failure = co_await converse(conversation, deadline)) {
        co_return failure;
    }
    const std::string url = conversation.directory().revokeCert;
    if (url.empty()) {
        co_return Failure{hostOf(m_options.directory) + " offers no revocation by ACME",
                          "ask it how it revokes",
                          {}};
    }
    const nlohmann::json wish{{"certificate", certificate}, {"reason", m_state.revocation->reason}};
    conversation.post(url, wish.dump());
    if (auto failure = co_await converse(conversation, deadline)) {
        co_return failure;
    }
    const Problem problem = problemOf(conversation.answer());
    if (conversation.answer().status != 200 && problem.type != "alreadyRevoked") {
        co_return describe(problem, conversation.circumstances());
    }
    co_return std::nullopt;
}

asio::awaitable<void> Renewer::resumeRevocation(const std::optional<Held>& held) {
    if (!m_state.revocation || m_revoking) {
        co_return;
    }
    const Under revoking(m_revoking);
    if (!held || held->sha256 != m_state.revocation->sha256) {
        m_state.revocation.reset();  // another one has taken its place
        co_await saveState();
    } else if (!m_state.revocation->isDone) {
        auto read = [this] { return encodedCertificate(m_folder.certificate().value_or("")); };
        std::string certificate = co_await offload(m_worker, std::move(read));
        const auto failure = co_await takeBack(std::move(certificate));
        if (failure && !m_stopping) {
            gateway::log::error(
                "the certificate was not revoked; `postern certificate revoke` tries it again",
                {{"cause", failure->text}, {"advice", failure->advice}});
        }
    }
}

}  // namespace acme
