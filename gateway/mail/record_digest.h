// What two nodes compare to find out whether they know the same: a SHA-256 for each record file,
// and one for all of them. Covers what is signed, never how a file is written or what its node is
// called. No file, no clock.
#pragma once

#include <compare>
#include <map>
#include <string>

#include "crypto/signature.h"
#include "gateway/mail/mailbox_id.h"
#include "gateway/mail/node_id.h"
#include "gateway/mail/record.h"

namespace gateway {

/// Names what one node has said about one mailbox.
struct RecordFileKey {
    RecordFileKey(MailboxId id, NodeId speaker, crypto::VerifyKey speakersKey)
        : mailbox(std::move(id)), node(std::move(speaker)), key(std::move(speakersKey)) {}
    MailboxId mailbox;
    NodeId node;
    crypto::VerifyKey key;
    auto operator<=>(const RecordFileKey&) const = default;
};

/// SHA-256, hex, of the canonical form and the signature of every statement in the file's order,
/// each followed by a line feed.
std::string digestOf(const NodeFile& file);

/// By file.
using RecordDigests = std::map<RecordFileKey, std::string>;

/// SHA-256, hex, of the lines "mailbox node key digest" of all, in order, each ended by a line
/// feed.
std::string digestOf(const RecordDigests& digests);

/// Such a line.
std::string lineOf(const RecordFileKey& key, const std::string& digest);

}  // namespace gateway
