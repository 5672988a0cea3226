#include "gateway/request.h"

#include <chrono>
#include <thread>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/control.h"
#include "gateway/data_lock.h"
#include "gateway/exit_code.h"
#include "gateway/operations.h"
#include "gateway/store/directory_store.h"

namespace gateway {

namespace {

/// A server that has the lock opens its socket within a moment, and another command lets the lock
/// go within one.
constexpr std::chrono::milliseconds kPause{50};
constexpr int kTries = 100;

nlohmann::json performHere(const Config& config, const Layout& layout, nlohmann::json request) {
    for (const auto& directory : {layout.records(), layout.knownRecords(), layout.mailboxes()}) {
        makeDurableDirectory(directory);
    }
    std::string notice;
    Node node = Node::loadOrMake(layout, config.hostname, notice);
    if (!notice.empty()) {
        log::notice(notice);
    }
    RegistryKeeper keeper(layout, std::move(node));
    keeper.load();
    DirectoryStore store(layout);
    return Operations(config, keeper, store).perform(std::move(request));
}

nlohmann::json answerTo(const Config& config, nlohmann::json request) {
    const Layout layout(config.data);
    for (int i = 0; i < kTries; ++i) {
        if (auto answer = askServer(layout, request)) {
            Operations::forget(request);
            return std::move(*answer);
        }
        if (const auto lock = DataLock::tryTake(layout)) {
            return performHere(config, layout, std::move(request));
        }
        std::this_thread::sleep_for(kPause);
    }
    throw Error(Error::Kind::Busy,
                "another process holds " + layout.lock().native() + " but does not answer at " +
                    layout.controlSocket().native() +
                    "; see whether that server is starting, stopping or stuck, then try again");
}

}  // namespace

nlohmann::json carryOut(const Config& config, nlohmann::json request) {
    nlohmann::json answer = answerTo(config, std::move(request));
    if (!answer.value("ok", false)) {
        throw Refusal(answer.value("exit", EX_SOFTWARE), answer.value("error", "no reason given"));
    }
    return answer;
}

}  // namespace gateway
