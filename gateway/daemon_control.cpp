// What the daemon does with a request of its control socket.
// Never on the I/O thread: each is carried out on a worker, what concerns keys on the one of
// records.
#include "gateway/answer.h"
#include "gateway/daemon.h"
#include "gateway/message_import.h"
#include "gateway/net/offload.h"

namespace gateway {

asio::awaitable<nlohmann::json> Daemon::control(nlohmann::json request, Descriptor file) {
    if (request.value("operation", nlohmann::json()) == "message.import") {
        co_return co_await importFile(std::move(request), std::move(file));
    }
    if (request.value("operation", nlohmann::json()) == "status") {
        co_return co_await status();
    }
    if (request.value("operation", nlohmann::json()) == "certificate.status") {
        co_return certificateStatus();
    }
    if (request.value("operation", nlohmann::json()) == "twin.list") {
        co_return twinList();
    }
    if (request.value("operation", nlohmann::json()) == "twin.join") {
        co_return co_await m_twins.join(std::move(request));
    }
    for (const char* name : {"drain.on", "drain.off", "drain.show"}) {
        if (request.value("operation", nlohmann::json()) == name) {
            co_return co_await drainRequest(std::move(request));
        }
    }
    for (const char* name : {"certificate.renew", "certificate.revoke"}) {
        if (request.value("operation", nlohmann::json()) == name) {
            co_return co_await certificateRequest(std::move(request));
        }
    }
    std::shared_ptr<const Registry> registry;
    std::optional<WebAccounts::Found> accounts;
    const bool imports = request.value("operation", nlohmann::json()) == "certificate.import";
    const bool pairs = request.value("operation", std::string()).starts_with("twin.");
    const bool replacesKey = Operations::replacesKey(request);
    // The keeper is only ever asked on its own thread, also for the snapshot it has now.
    auto perform = [this, &registry, &accounts, request = std::move(request),
                    times = m_house.times()]() mutable {
        nlohmann::json answer = m_operations.perform(std::move(request), std::move(times));
        registry = m_keeper.current();
        accounts = m_webAccounts.look();
        return answer;
    };
    nlohmann::json answer = co_await net::offload(m_records, std::move(perform));
    takeOver(registry);
    m_webAccounts.takeOver(std::move(accounts));
    if (pairs && answer.value("ok", false)) {
        co_await m_twins.reload();
    }
    if (imports && answer.value("ok", false)) {
        co_await watchCertificate();
    }
    if (replacesKey && answer.contains("address")) {
        // From here on the old key is judged anew at commit; what was judged before must end first.
        const auto mailbox = MailboxId::parse(answer.at("address").get<std::string>());
        co_await m_smtpServer.commitsEnded(mailbox.value());
    }
    m_house.turnedAway().describeIn(answer);
    addElsewhereIn(answer, m_twins.waitingElsewhere(), std::chrono::system_clock::now());
    co_return answer;
}

asio::awaitable<nlohmann::json> Daemon::importFile(nlohmann::json request, Descriptor file) {
    const auto import = std::make_shared<MessageImport>(m_config, m_store, m_receipts.get(),
                                                        std::move(request), std::move(file));
    for (;;) {
        // Read on the workers that may wait for a disk; stored on the one that changes keys.
        auto seal = [import, registry = m_house.registry()] {
            return answerOf([&] {
                import->seal(*registry);
                return nlohmann::json::object();
            });
        };
        nlohmann::json answer = co_await net::offload(m_disk, std::move(seal));
        if (!answer.value("ok", false)) {
            co_return answer;
        }
        auto commit = [this, import] {
            return answerOf([&] {
                return import->commit(*m_keeper.current()).value_or(nlohmann::json::object());
            });
        };
        answer = co_await net::offload(m_records, std::move(commit));
        if (!answer.value("ok", false) || answer.contains("uidl")) {
            co_return answer;
        }
        // The password was reset meanwhile: once more, to the key that is current now.
    }
}

}  // namespace gateway
