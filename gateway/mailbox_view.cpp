#include "gateway/mailbox_view.h"

#include <algorithm>

#include "crypto/age_stream.h"
#include "gateway/answer.h"
#include "gateway/arrival.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/mail/header_text.h"
#include "gateway/mailbox_address.h"
#include "gateway/net/offload.h"

namespace gateway {

namespace {

using nlohmann::json;
using pop3::UnlockedMailbox;

/// What shows the header of a message: its first chunk, and an octet of the next, so that it is
/// known not to be the last.
constexpr std::size_t kStart =
    crypto::kHeaderSize + crypto::kNonceSize + crypto::kChunkSize + crypto::kTagSize + 1;

json refused(const char* code, const std::string& text) {
    return {{"ok", false}, {"code", code}, {"error", text}};
}

json noMailbox() { return refused("not_found", "there is no such mailbox here"); }

json refusedBy(pop3::LoginRefusal why) {
    switch (why) {
        case pop3::LoginRefusal::WrongPassword:
            return refused("wrong_password", "that is not the password of this mailbox");
        case pop3::LoginRefusal::Broken:
            return refused("refused",
                           "the mailbox's sealed key is damaged or was exchanged; see `postern "
                           "check` and the log");
        case pop3::LoginRefusal::Trouble:
        case pop3::LoginRefusal::InUse:
            break;
    }
    return refused("too_many", "too many passwords are being tried; try again in a moment");
}

/// The first octets of a message, opened; at most a chunk.
std::string startOf(Outgoing& sealed, const crypto::OpenKey& key, std::string& buffer) {
    buffer.resize(kStart);
    const std::span<std::byte> room = std::as_writable_bytes(std::span<char>(buffer));
    std::size_t filled = 0;
    std::size_t got = 1;
    while (filled < room.size() && got > 0) {
        got = sealed.read(room.subspan(filled));
        filled += got;
    }
    std::string plaintext;
    crypto::Opener opener(key);
    opener.open(room.first(filled), plaintext);
    if (got == 0) {
        opener.finish(plaintext);
    }
    return plaintext;
}

json textOf(std::string_view message, const char* field) {
    const auto body = headerBody(message, field);
    return body ? json(readableText(*body)) : json();
}

json outlineOf(MessageStore& store, const Drop& drop, const StoredMessage& message,
               const crypto::OpenKey& key, std::string& buffer) {
    json outline{{"uidl", message.id.str()},
                 {"received", formatTimestamp(arrivalOf(message.id))},
                 {"octets", crypto::plaintextSize(message.sealedSize).value_or(0)}};
    try {
        const auto sealed = store.open(drop, message.id);
        if (!sealed) {
            outline["error"] = "it is gone: an archiver fetched it just now";
            return outline;
        }
        const std::string start = startOf(*sealed, key, buffer);
        for (const auto& [name, field] :
             {std::pair("from", "From"), std::pair("to", "To"), std::pair("subject", "Subject"),
              std::pair("date", "Date")}) {
            outline[name] = textOf(start, field);
        }
    } catch (const Error& error) {
        outline["error"] = error.what();
    }
    return outline;
}

/// Messages of the mailbox that none of the opened keys opens.
std::size_t lockedIn(const Mailbox& mailbox, const UnlockedMailbox& opened, MessageStore& store) {
    std::size_t locked = 0;
    for (const MailboxKey& key : mailbox.keys) {
        const bool opens = std::any_of(
            opened.keys().begin(), opened.keys().end(),
            [&](const crypto::OpenKey& ours) { return ours.sealKey() == key.recipient; });
        if (!opens) {
            locked += store.list(Drop(mailbox.id, key.recipient)).messages.size();
        }
    }
    return locked;
}

json pageOf(const Mailbox& mailbox, const UnlockedMailbox& opened, MessageStore& store,
            const std::optional<MessageId>& after, std::size_t limit) {
    std::vector<LeftOut> leftOut;
    const auto all = opened.list(store, leftOut);
    auto at = all.rbegin();
    while (at != all.rend() && after && !(at->message.id < *after)) {
        ++at;
    }
    json messages = json::array();
    std::string buffer;
    for (; at != all.rend() && messages.size() < limit; ++at) {
        messages.push_back(
            outlineOf(store, opened.drop(*at), at->message, opened.key(*at), buffer));
    }
    json next;
    if (at != all.rend()) {
        next = messages.back().at("uidl");
    }
    return {{"messages", std::move(messages)},
            {"next", std::move(next)},
            {"total", all.size()},
            {"locked", lockedIn(mailbox, opened, store)},
            {"left_out", leftOut.size()}};
}

/// A message on its way to a browser.
struct Download {
    Download(std::shared_ptr<const UnlockedMailbox> mailbox, const MessageId& message,
             std::unique_ptr<pop3::MessageReader> source)
        : opened(std::move(mailbox)), id(message), reader(std::move(source)) {}
    std::shared_ptr<const UnlockedMailbox> opened;  ///< what `reader` reads by
    MessageId id;
    std::unique_ptr<pop3::MessageReader> reader;
    std::string piece;
    bool more = true;
};

asio::awaitable<void> send(std::shared_ptr<Download> download, net::HttpBody& body,
                           asio::thread_pool& disk) {
    for (;;) {
        co_await body.write(download->piece);
        if (!download->more) {
            co_return;
        }
        auto next = [download] {
            download->piece.clear();
            download->more = download->reader->next(download->piece);
        };
        std::string failure;
        try {
            co_await net::offload(disk, next);
        } catch (const Error& error) {
            failure = error.what();
        }
        if (!failure.empty()) {
            log::error("message cannot be opened; its download was cut off",
                       {{"mailbox", download->opened->mailbox().str()},
                        {"id", download->id.str()},
                        {"cause", failure}});
            throw net::ConnectionEnded(net::ConnectionEnded::Why::Closed,
                                       "a message could not be sent whole");
        }
    }
}

/// The message under whichever of the keys it lies; nothing where it is under none.
std::shared_ptr<Download> findMessage(const std::shared_ptr<const UnlockedMailbox>& opened,
                                      const MessageId& id, MessageStore& store,
                                      std::uint64_t& octets) {
    for (const crypto::OpenKey& key : opened->keys()) {
        auto sealed = store.open(Drop(opened->mailbox(), key.sealKey()), id);
        if (!sealed) {
            continue;
        }
        octets = crypto::plaintextSize(sealed->size()).value_or(0);
        auto download = std::make_shared<Download>(
            opened, id, std::make_unique<pop3::MessageReader>(std::move(sealed), key));
        download->more = download->reader->next(download->piece);
        return download;
    }
    return nullptr;
}

json deletedIn(const Mailbox& mailbox, MessageStore& store, std::chrono::seconds kept) {
    const std::vector<crypto::SealKey> ours = mailbox.openable();
    std::vector<std::pair<DeletedMessage, bool>> all;
    for (const MailboxKey& key : mailbox.keys) {
        const bool locked = std::find(ours.begin(), ours.end(), key.recipient) == ours.end();
        for (DeletedMessage& message : store.listDeleted(Drop(mailbox.id, key.recipient))) {
            all.emplace_back(std::move(message), locked);
        }
    }
    const std::size_t shown = std::min(all.size(), MailboxView::kMostDeleted);
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), all.end(),
                      [](const auto& left, const auto& right) {
                          return left.first.deleted > right.first.deleted;
                      });
    json messages = json::array();
    for (std::size_t i = 0; i < shown; ++i) {
        const auto& [message, locked] = all[i];
        messages.push_back({{"uidl", message.id.str()},
                            {"octets", crypto::plaintextSize(message.sealedSize).value_or(0)},
                            {"received", formatTimestamp(arrivalOf(message.id))},
                            {"deleted", formatTimestamp(message.deleted)},
                            {"until", formatTimestamp(message.deleted + kept)},
                            {"locked", locked}});
    }
    return {{"messages", std::move(messages)}, {"total", all.size()}};
}

}  // namespace

/// A mailbox that its password opened, or why it is not.
struct MailboxView::Inside {
    json refusal;
    std::shared_ptr<const Mailbox> mailbox;
    std::shared_ptr<const UnlockedMailbox> opened;
};

std::shared_ptr<const Mailbox> MailboxView::find(const std::string& address) const {
    try {
        return m_registries()->find(mailboxIdOf(address, m_config.domain));
    } catch (const Refusal&) {
        return nullptr;
    }
}

asio::awaitable<MailboxView::Inside> MailboxView::open(webui::MailboxPassword who) {
    Inside inside;
    inside.mailbox = find(who.address);
    if (!inside.mailbox) {
        inside.refusal = noMailbox();
        co_return inside;
    }
    pop3::Asker asker(who.peer, "look inside", [] { return false; });
    pop3::Login login(inside.mailbox->id, std::move(who.password));
    pop3::Opened opened = co_await m_doors.open(std::move(asker), std::move(login));
    inside.refusal = opened.refusal ? refusedBy(*opened.refusal) : json();
    inside.opened = std::move(opened.mailbox);
    co_return inside;
}

asio::awaitable<json> MailboxView::list(webui::MailboxPassword who, std::string after,
                                        std::size_t limit) {
    const auto behind = MessageId::parse(after);
    if (!behind && !after.empty()) {
        co_return refused("bad_request", "`after` is no `next` of an earlier answer");
    }
    const Inside inside = co_await open(std::move(who));
    if (!inside.opened) {
        co_return inside.refusal;
    }
    auto list = [&] {
        return answerOf([&] {
            return pageOf(*inside.mailbox, *inside.opened, m_store, behind,
                          std::clamp<std::size_t>(limit, 1, kMostListed));
        });
    };
    co_return co_await net::offload(m_disk, list);
}

asio::awaitable<webui::OpenedMessage> MailboxView::message(webui::MailboxPassword who,
                                                           std::string uidl) {
    webui::OpenedMessage message;
    const auto id = MessageId::parse(uidl);
    if (!id) {
        message.answer = refused("not_found", "that is no name of a message");
        co_return message;
    }
    const Inside inside = co_await open(std::move(who));
    if (!inside.opened) {
        message.answer = inside.refusal;
        co_return message;
    }
    std::shared_ptr<Download> download;
    std::uint64_t octets = 0;
    auto look = [&] {
        return answerOf([&]() -> json {
            download = findMessage(inside.opened, *id, m_store, octets);
            return {{"octets", octets}};
        });
    };
    message.answer = co_await net::offload(m_disk, look);
    if (!message.answer.value("ok", false)) {
        const bool damaged = message.answer.value("exit", 0) == EX_DATAERR;
        message.answer["code"] = damaged ? "refused" : "trouble";
    } else if (!download) {
        message.answer = refused(
            "not_found", "no such message waits here that this password opens; it may be fetched");
    } else {
        message.stream = std::make_shared<const net::HttpStream>(
            [download, &disk = m_disk](net::HttpBody& body) { return send(download, body, disk); },
            octets);
    }
    co_return message;
}

asio::awaitable<json> MailboxView::deleted(std::string address) {
    const auto mailbox = find(address);
    if (!mailbox) {
        co_return noMailbox();
    }
    auto list = [this, mailbox] {
        return answerOf([&] { return deletedIn(*mailbox, m_store, m_config.store.keepDeleted); });
    };
    co_return co_await net::offload(m_disk, std::move(list));
}

}  // namespace gateway
