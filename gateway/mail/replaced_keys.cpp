#include "gateway/mail/replaced_keys.h"

#include <algorithm>

namespace gateway {

namespace {

using Keys = std::vector<MailboxKey>;

/// The one of an epoch's keys that the mailbox went on with: what the present password opens, else
/// the one whose node also made the key that comes after them (`last`), else the greatest.
Keys::const_iterator winnerOf(Keys::const_iterator first, Keys::const_iterator last,
                              Keys::const_iterator end,
                              const std::vector<crypto::SealKey>& openable) {
    const auto opens = std::find_if(first, last, [&](const MailboxKey& key) {
        return std::find(openable.begin(), openable.end(), key.recipient) != openable.end();
    });
    if (opens != last || last == end) {
        return opens != last ? opens : last - 1;
    }
    const auto same =
        std::find_if(first, last, [&](const MailboxKey& key) { return key.node == last->node; });
    return same != last ? same : last - 1;
}

std::string whereAndWhen(const MailboxKey& key) {
    return (key.nodeName.empty() ? key.node : key.nodeName) + " at " + formatTimestamp(key.at);
}

}  // namespace

std::vector<ReplacedKey> replacedKeys(const Mailbox& mailbox) {
    std::vector<ReplacedKey> replaced;
    const std::vector<crypto::SealKey> openable = mailbox.openable();
    for (auto first = mailbox.keys.begin(); first != mailbox.keys.end();) {
        const auto last = std::find_if(first, mailbox.keys.end(), [&](const MailboxKey& key) {
            return key.epoch != first->epoch;
        });
        const auto winner = winnerOf(first, last, mailbox.keys.end(), openable);
        for (auto key = first; key != last; ++key) {
            if (key != winner &&
                std::find(openable.begin(), openable.end(), key->recipient) == openable.end()) {
                replaced.emplace_back(*key, *winner);
            }
        }
        first = last;
    }
    return replaced;
}

std::string describe(const ReplacedKey& replaced) {
    return "the password set on " + whereAndWhen(*replaced.lost) +
           " was replaced by the one set on " + whereAndWhen(*replaced.winner);
}

}  // namespace gateway
