// Messages that were fetched and deleted, brought back on request.
// Never opens one: it stays sealed to the key it was sealed to.
#include <algorithm>

#include "gateway/base/log.h"
#include "gateway/base/text.h"
#include "gateway/exit_code.h"
#include "gateway/operations.h"

namespace gateway {

namespace {

using nlohmann::json;

std::vector<MessageId> idsIn(const json& request) {
    std::vector<MessageId> ids;
    for (const json& each : request.value("uidls", json::array())) {
        const std::string text = each.is_string() ? each.get<std::string>() : each.dump();
        const auto id = MessageId::parse(text);
        if (!id) {
            throw Refusal(EX_USAGE,
                          printable(text, 80) +
                              " is no UIDL; `postern message list --deleted` shows them. Nothing "
                              "was restored");
        }
        ids.push_back(*id);
    }
    return ids;
}

const char* nameOf(Restoration result) {
    switch (result) {
        case Restoration::Restored:
            return "restored";
        case Restoration::Waiting:
            return "waiting";
        case Restoration::Unknown:
            break;
    }
    return "unknown";
}

}  // namespace

json Operations::restore(json& request) {
    const auto mailbox = find(request);
    const std::vector<crypto::SealKey> ours = mailbox->openable();
    json messages = json::array();
    for (const MessageId& id : idsIn(request)) {
        Restoration result = Restoration::Unknown;
        bool locked = false;
        for (const MailboxKey& key : mailbox->keys) {
            result = m_store.restore(Drop(mailbox->id, key.recipient), id);
            if (result != Restoration::Unknown) {
                locked = std::find(ours.begin(), ours.end(), key.recipient) == ours.end();
                break;
            }
        }
        if (result == Restoration::Restored) {
            if (m_receipts != nullptr) {
                m_receipts->restored(mailbox->id, id);
            }
            log::notice("message restored", {{"mailbox", mailbox->id.str()}, {"id", id.str()}});
        }
        messages.push_back({{"uidl", id.str()}, {"state", nameOf(result)}, {"locked", locked}});
    }
    return {{"messages", std::move(messages)}};
}

}  // namespace gateway
