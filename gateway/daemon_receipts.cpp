// The receipts of messages as the server writes them: by SMTP before the 250, by POP3 and the jobs
// when something becomes of a message. Never on the I/O thread.
#include <asio/post.hpp>

#include "gateway/base/log.h"
#include "gateway/daemon.h"
#include "gateway/net/offload.h"

namespace gateway {

std::unique_ptr<ReceiptLog> Daemon::makeReceipts() const {
    return ReceiptLog::make(m_layout, m_keeper.self().id(), m_config.store.keepReceipts);
}

smtp::Engine Daemon::smtpEngine() {
    smtp::Engine engine(m_smtpOptions, m_house, m_messageMemory, m_store, m_disk);
    engine.receipts = m_receipts.get();
    return engine;
}

void Daemon::tellReceipts(pop3::Engine& engine) {
    engine.onFetched = [this](const MailboxId& mailbox, const MessageId& id) {
        m_house.onFetched(mailbox);
        if (m_receipts) {
            // Not on the workers of the disk: where it takes no writes they may still read.
            asio::post(m_fetches, [this, mailbox, id] { m_receipts->fetched(mailbox, id); });
        }
    };
    engine.onDeleted = [this](const MailboxId& mailbox, std::span<const MessageId> ids) {
        asio::post(m_io, [this, mailbox] { m_waitingDue.insert(mailbox); });
        if (m_receipts) {
            m_receipts->deleted(mailbox, ids);
        }
    };
}

DirectoryStore::OnPurged Daemon::onPurged() const {
    if (!m_receipts) {
        return {};
    }
    return
        [this](const MailboxId& mailbox, const MessageId& id) { m_receipts->purged(mailbox, id); };
}

std::optional<HealthSnapshot::Receipts> Daemon::receiptTrouble() const {
    const auto trouble = m_receipts ? m_receipts->trouble() : std::nullopt;
    if (!trouble) {
        return std::nullopt;
    }
    return HealthSnapshot::Receipts{trouble->since, trouble->cause, trouble->lines};
}

asio::awaitable<void> Daemon::dropOldReceipts() {
    if (!m_receipts) {
        co_return;
    }
    auto drop = [this] { return m_receipts->dropOld(m_config.store.keepReceipts); };
    const std::size_t dropped = co_await net::offload(m_slow, drop);
    if (dropped > 0) {
        log::info("receipts of store.keep_receipts ago dropped", {{"files", dropped}});
    }
}

}  // namespace gateway
