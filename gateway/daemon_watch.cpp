// What the daemon gives the page to watch and to look into: status, traffic, events, mailboxes by
// their password, backups. Never on the I/O thread: what blocks is a worker's.
#include "gateway/answer.h"
#include "gateway/daemon.h"
#include "gateway/exit_code.h"
#include "gateway/net/offload.h"
#include "gateway/sealed_backup.h"
#include "gateway/settings.h"

namespace gateway {

namespace {

using nlohmann::json;

/// {"ok": true}, or what `work` refuses.
json judged(const std::function<void()>& work) {
    return answerOf([&] {
        work();
        return json::object();
    });
}

std::string nameOfBackup(const std::string& domain, bool sealed) {
    const std::string day = formatTimestamp(std::chrono::system_clock::now()).substr(0, 10);
    return "postern-" + domain + '-' + day + (sealed ? ".toml.age" : ".toml");
}

}  // namespace

std::shared_ptr<webui::Events> Daemon::makeEvents() {
    auto traffic = [this] { return m_house.history().describe(std::chrono::system_clock::now()); };
    return std::make_shared<webui::Events>(m_io.get_executor(), std::move(traffic),
                                           webui::Events::Limits(), webui::Events::Pace());
}

void Daemon::completeWebEngine(webui::Engine& engine) {
    engine.listMessages = [this](webui::MailboxPassword who, std::string after, std::size_t limit) {
        return m_mailboxView.list(std::move(who), std::move(after), limit);
    };
    engine.openMessage = [this](webui::MailboxPassword who, std::string uidl) {
        return m_mailboxView.message(std::move(who), std::move(uidl));
    };
    engine.listDeleted = [this](std::string address) {
        return m_mailboxView.deleted(std::move(address));
    };
    engine.exportBackup = [this](bool withAdmins, std::optional<crypto::Password> passphrase) {
        return exportBackup(withAdmins, std::move(passphrase));
    };
    engine.importBackup = [this](json request, std::string file,
                                 std::optional<crypto::Password> passphrase) {
        return importBackup(std::move(request), std::move(file), std::move(passphrase));
    };
    engine.status = [this] { return m_shownStatus.get(); };
    engine.traffic = [this] {
        return m_house.history().describe(std::chrono::system_clock::now());
    };
    engine.settings = [told = describeSettings(m_config)] { return told; };
    engine.events = m_events;
    engine.replica = m_twins.engine();
    m_house.tellOf([this](House::Event event) {
        tell(event == House::Event::Traffic ? webui::Events::Traffic : webui::Events::Status);
    });
}

void Daemon::tell(webui::Events::Topic topic) {
    if (topic != webui::Events::Traffic) {
        m_shownStatus.expire();
        m_shownMailboxes.expire();
    }
    m_events->tell(topic);
}

asio::awaitable<json> Daemon::exportBackup(bool withAdmins,
                                           std::optional<crypto::Password> passphrase) {
    if (passphrase) {
        json strong = judged([&] { requireStrong(*passphrase); });
        if (!strong.at("ok").get<bool>()) {
            co_return strong;
        }
    }
    json request{{"operation", "backup.export"}, {"with_admins", withAdmins}};
    json answer = co_await control(std::move(request), Descriptor());
    if (!answer.value("ok", false)) {
        co_return answer;
    }
    answer["name"] = nameOfBackup(m_config.domain, passphrase.has_value());
    if (passphrase) {
        const net::OneAtATime::Turn turn = co_await m_oneSealing.turn();
        auto& text = answer.at("text").get_ref<std::string&>();
        auto seal = [&] { return sealBackup(text, *passphrase); };
        text = co_await net::offload(m_disk, seal);
    }
    co_return answer;
}

asio::awaitable<json> Daemon::importBackup(json request, std::string file,
                                           std::optional<crypto::Password> passphrase) {
    const bool sealed = isSealedBackup(file);
    if (sealed && !passphrase) {
        co_return answerOf([]() -> json {
            throw Refusal(EX_NOPERM, "the backup is sealed; its passphrase opens it");
        });
    }
    if (sealed) {
        const net::OneAtATime::Turn turn = co_await m_oneSealing.turn();
        auto open = [&] {
            return judged([&] { file = openSealedBackup(file, *passphrase, "the file"); });
        };
        json opened = co_await net::offload(m_disk, open);
        if (!opened.at("ok").get<bool>()) {
            co_return opened;
        }
    }
    request["text"] = std::move(file);
    co_return co_await control(std::move(request), Descriptor());
}

}  // namespace gateway
