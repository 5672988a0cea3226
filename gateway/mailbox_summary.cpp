#include "gateway/mailbox_summary.h"

#include <algorithm>

#include "crypto/age_stream.h"
#include "gateway/arrival.h"

namespace gateway {

namespace {

using nlohmann::json;

json timestamp(const std::optional<WallTime>& time) {
    return time ? json(formatTimestamp(*time)) : json();
}

}  // namespace

MailboxCounts countMessages(const Mailbox& mailbox, MessageStore& store) {
    const std::vector<crypto::SealKey> ours = mailbox.openable();
    MailboxCounts counts;
    for (const MailboxKey& key : mailbox.keys) {
        const Listing listing = store.list(Drop(mailbox.id, key.recipient));
        counts.leftOut += listing.leftOut.size();
        if (listing.messages.empty()) {
            continue;
        }
        const WallTime last = arrivalOf(listing.messages.back().id);
        counts.newest = std::max(counts.newest.value_or(last), last);
        if (std::find(ours.begin(), ours.end(), key.recipient) == ours.end()) {
            counts.locked += listing.messages.size();
            continue;
        }
        counts.messages += listing.messages.size();
        for (const StoredMessage& message : listing.messages) {
            counts.octets += crypto::plaintextSize(message.sealedSize).value_or(0);
        }
        const WallTime first = arrivalOf(listing.messages.front().id);
        counts.oldest = std::min(counts.oldest.value_or(first), first);
    }
    return counts;
}

json summaryOf(const Mailbox& mailbox, const MailboxCounts& counts, const MailboxTimes& times) {
    const MailboxTimes::Times known = times.of(mailbox.id);
    const auto received = counts.newest ? std::max(known.received, counts.newest) : known.received;
    return {{"address", mailbox.id.str()},
            {"name", mailbox.name},
            {"description", mailbox.description},
            {"status", nameOf(mailbox.status)},
            {"created", formatTimestamp(mailbox.created)},
            {"waiting",
             {{"messages", counts.messages},
              {"octets", counts.octets},
              {"oldest", timestamp(counts.oldest)}}},
            {"locked", counts.locked},
            {"last_received", timestamp(received)},
            {"last_fetched", timestamp(known.fetched)},
            {"elsewhere", json::array()}};
}

}  // namespace gateway
