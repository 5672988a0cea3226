// Taking a certificate back (RFC 8555 section 7.6) and putting another one in its place.
// Never revokes what it cannot replace with the same account.
#include <nlohmann/json.hpp>

#include "acme/issued.h"
#include "acme/renewer.h"
#include "gateway/base/log.h"
#include "gateway/net/offload.h"

namespace acme {

namespace {

using Progress = Conversation::Progress;

}  // namespace

asio::awaitable<std::optional<Failure>> Renewer::converse(Conversation& conversation) {
    for (;;) {
        gateway::HttpAnswer answer = co_await m_workshop.ask(conversation.next());
        switch (conversation.take(std::move(answer), std::chrono::system_clock::now())) {
            case Progress::Again:
                break;
            case Progress::Pause:
                co_await m_workshop.wait(conversation.pause());
                break;
            case Progress::Answered:
                co_return std::nullopt;
            case Progress::Failed:
                co_return conversation.failure();
        }
    }
}

asio::awaitable<std::optional<Failure>> Renewer::revoke(int reason) {
    auto open = [this] {
        return std::pair(m_folder.openAccount(m_options.directory),
                         m_folder.certificate().value_or(""));
    };
    const auto [opened, pem] = co_await gateway::net::offload(m_worker, std::move(open));
    if (!opened.notice.empty()) {
        gateway::log::warning(opened.notice);
    }
    const std::string certificate = encodedCertificate(pem);
    if (certificate.empty() || opened.account.url.empty()) {
        co_return Failure{"there is no certificate that the account at " +
                              hostOf(m_options.directory) + " could revoke",
                          "see `postern certificate status`",
                          {}};
    }
    Conversation conversation(m_options.directory, opened.key);
    conversation.setCircumstances(m_options.challenge, m_options.profile);
    conversation.setAccount(opened.account.url);
    conversation.start();
    if (auto failure = co_await converse(conversation)) {
        co_return failure;
    }
    const std::string url = conversation.directory().revokeCert;
    if (url.empty()) {
        co_return Failure{hostOf(m_options.directory) + " offers no revocation by ACME",
                          "ask it how it revokes",
                          {}};
    }
    const nlohmann::json wish{{"certificate", certificate}, {"reason", reason}};
    conversation.post(url, wish.dump());
    if (auto failure = co_await converse(conversation)) {
        co_return failure;
    }
    const Problem problem = problemOf(conversation.answer());
    if (conversation.answer().status != 200 && problem.type != "alreadyRevoked") {
        co_return describe(problem, conversation.circumstances());
    }
    gateway::log::notice("certificate revoked; ordering another one",
                         {{"authority", hostOf(m_options.directory)}});
    co_return co_await renewNow();
}

}  // namespace acme
