#include "gateway/request.h"

#include <chrono>
#include <thread>

#include "crypto/secret_fields.h"
#include "gateway/answer.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/control.h"
#include "gateway/data_lock.h"
#include "gateway/exit_code.h"
#include "gateway/message_import.h"
#include "gateway/operations.h"
#include "gateway/store/directory_store.h"

namespace gateway {

namespace {

/// A server that has the lock opens its socket within a moment, and another command lets the lock
/// go within one.
constexpr std::chrono::milliseconds kPause{50};
constexpr int kTries = 100;

Node prepareNode(const Config& config, const Layout& layout) {
    for (const auto& directory : {layout.records(), layout.knownRecords(), layout.mailboxes()}) {
        makeDurableDirectory(directory);
    }
    std::string notice;
    Node node = Node::loadOrMake(layout, config.hostname, notice);
    if (!notice.empty()) {
        log::notice(notice);
    }
    return node;
}

}  // namespace

/// What the server would do it with, for a command that holds the lock.
struct Carrier::Here {
    Here(const Config& settings, const Layout& layout, DataLock taken)
        : config(settings),
          lock(std::move(taken)),
          keeper(layout, prepareNode(settings, layout)),
          store(layout),
          receipts(ReceiptLog::make(layout, keeper.self().id(), settings.store.keepReceipts)),
          operations(settings, keeper, store, receipts.get()) {
        keeper.load();
    }

    nlohmann::json perform(nlohmann::json request, const Descriptor& file) {
        if (request.value("operation", nlohmann::json()) != "message.import") {
            return operations.perform(std::move(request), MailboxTimes::load(Layout(config.data)));
        }
        return answerOf([&] {
            return importMessage(config, keeper, store, receipts.get(), std::move(request),
                                 file.duplicate());
        });
    }

    const Config& config;
    const DataLock lock;
    RegistryKeeper keeper;
    DirectoryStore store;
    const std::unique_ptr<ReceiptLog> receipts;
    Operations operations;
};

Carrier::Carrier(const Config& config) : m_config(config) {}

Carrier::~Carrier() = default;

nlohmann::json Carrier::ask(nlohmann::json request, const Descriptor& file) {
    const Layout layout(m_config.data);
    for (int i = 0; i < kTries && !m_here; ++i) {
        if (auto answer = askServer(layout, request, file)) {
            crypto::wipeSecrets(request);
            return std::move(*answer);
        }
        if (auto lock = DataLock::tryTake(layout)) {
            m_here = std::make_unique<Here>(m_config, layout, std::move(*lock));
        } else {
            std::this_thread::sleep_for(kPause);
        }
    }
    if (m_here) {
        return m_here->perform(std::move(request), file);
    }
    throw Error(Error::Kind::Busy,
                "another process holds " + layout.lock().native() + " but does not answer at " +
                    layout.controlSocket().native() +
                    "; see whether that server is starting, stopping or stuck, then try again");
}

nlohmann::json Carrier::carryOut(nlohmann::json request, const Descriptor& file) {
    nlohmann::json answer = ask(std::move(request), file);
    if (!answer.value("ok", false)) {
        throw Refusal(answer.value("exit", EX_SOFTWARE), answer.value("error", "no reason given"));
    }
    return answer;
}

nlohmann::json carryOut(const Config& config, nlohmann::json request) {
    return Carrier(config).carryOut(std::move(request));
}

}  // namespace gateway
