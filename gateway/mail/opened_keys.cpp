#include "gateway/mail/opened_keys.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "crypto/sealed_text.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"

namespace gateway {

namespace {

/// Runs `open` on one key of several: that one is damaged must not hide what the others open.
template <typename Open>
std::optional<crypto::OpenKey> openIfSound(const Mailbox& mailbox, const MailboxKey& key,
                                           Open open) {
    try {
        return open();
    } catch (const Error& error) {
        log::warning("a key of a mailbox is passed over", {{"mailbox", mailbox.id.str()},
                                                           {"recipient", key.recipient.str()},
                                                           {"cause", error.what()}});
        return std::nullopt;
    }
}

}  // namespace

bool holds(std::span<const crypto::OpenKey> keys, const crypto::SealKey& recipient) {
    return std::any_of(keys.begin(), keys.end(),
                       [&](const crypto::OpenKey& key) { return key.sealKey() == recipient; });
}

void openChain(const Mailbox& mailbox, OpenKeys& keys) {
    for (std::size_t at = 0; at < keys.size(); ++at) {
        const auto known = std::find_if(
            mailbox.keys.begin(), mailbox.keys.end(),
            [&](const MailboxKey& key) { return key.recipient == keys[at].sealKey(); });
        if (known == mailbox.keys.end()) {
            continue;
        }
        for (const ChainLink& link : known->chain) {
            if (holds(keys, link.recipient)) {
                continue;
            }
            if (auto older =
                    crypto::openIdentity(link.sealed, mailbox.id.str(), link.recipient, keys[at])) {
                keys.push_back(std::move(*older));
            }
        }
    }
}

OpenKeys openWithPassword(const Mailbox& mailbox, const crypto::Password& password) {
    const MailboxKey* const current = mailbox.current();
    if (current == nullptr) {
        throw Error(Error::Kind::Corrupt, "mailbox " + mailbox.id.str() + " has no key");
    }
    OpenKeys keys;
    if (auto identity = crypto::openIdentity(current->sealedIdentity, mailbox.id.str(),
                                             current->recipient, password)) {
        keys.push_back(std::move(*identity));
        openChain(mailbox, keys);
    }
    return keys;
}

OpenKeys openWithEarlier(const Mailbox& mailbox, const crypto::Password& password,
                         std::span<const crypto::OpenKey> known) {
    OpenKeys keys;
    for (const MailboxKey& key : mailbox.keys) {
        if (holds(known, key.recipient)) {
            continue;
        }
        auto identity = openIfSound(mailbox, key, [&] {
            return crypto::openIdentity(key.sealedIdentity, mailbox.id.str(), key.recipient,
                                        password);
        });
        if (identity) {
            keys.push_back(std::move(*identity));
        }
    }
    openChain(mailbox, keys);
    std::erase_if(keys, [&](const crypto::OpenKey& key) { return holds(known, key.sealKey()); });
    return keys;
}

OpenKeys openWithRecovery(const Mailbox& mailbox, const crypto::OpenKey& recovery) {
    OpenKeys keys;
    for (const MailboxKey& key : mailbox.keys) {
        for (const RecoverySeal& seal : key.recoverySeals) {
            auto identity = openIfSound(mailbox, key, [&] {
                return crypto::openIdentity(seal.sealed, mailbox.id.str(), key.recipient, recovery);
            });
            if (identity && !holds(keys, key.recipient)) {
                keys.push_back(std::move(*identity));
            }
        }
    }
    openChain(mailbox, keys);
    return keys;
}

}  // namespace gateway
