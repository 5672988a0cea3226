// What two nodes send each other about their records, as text: the list of what a node knows, and
// bundles of record files. Reads any octets; what it makes of them is bounded by their number. No
// socket, no file, no clock. The protocol is described in docs/replica.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/mail/record.h"
#include "gateway/mail/record_digest.h"

namespace gateway::replica {

/// How much a bundle holds before another one is begun. Its last part may exceed it.
inline constexpr std::size_t kUsualBundle = std::size_t{256} << 10U;
/// What is taken of one.
inline constexpr std::size_t kMostBundle = std::size_t{1} << 20U;
/// A list of more is not read: of some 30,000 files.
inline constexpr std::size_t kMostList = std::size_t{6} << 20U;
/// Files that are asked for at once.
inline constexpr std::size_t kMostWanted = 200;

/// The lines "mailbox node key digest", in order.
std::string formatList(const RecordDigests& digests);
/// Nothing where a line is none, or out of order.
std::optional<RecordDigests> parseList(std::string_view text);

/// "mailbox node key"
std::string nameOf(const RecordFileKey& key);
std::optional<RecordFileKey> parseName(std::string_view text);

/// Record files one after another: a line "mailbox octets", the file as TOML, a line feed.
class BundleWriter {
public:
    /// A large file goes in several parts, each a record file of its own: a file is a set.
    void add(const MailboxId& mailbox, const NodeFile& file);
    bool isFull() const { return !m_parts.empty() && m_parts.back().size() >= kUsualBundle; }
    /// What was added, as bundles of which none exceeds kMostBundle.
    std::vector<std::string> take() { return std::move(m_parts); }

private:
    void addPart(const MailboxId& mailbox, const std::string& toml);
    std::vector<std::string> m_parts;
};

/// What a bundle says.
struct Bundle {
    std::vector<Record> records;
    std::size_t files = 0;    ///< of which something could be used
    std::size_t refused = 0;  ///< damaged, of a newer format, or with a signature that is wrong
};

/// Every statement in it has a good signature of its file's node: the others are left out. Takes
/// its time: for a worker. Nothing where it is no bundle.
std::optional<Bundle> parseBundle(std::string_view text);

/// Of `theirs`, what is not in `ours` in the same form.
std::vector<RecordFileKey> lackingOf(const RecordDigests& ours, const RecordDigests& theirs);

/// Mailboxes about which the two do not know the same.
std::size_t differingMailboxes(const RecordDigests& ours, const RecordDigests& theirs);

/// Whether it is the digest of something: 64 digits of lower-case hex.
bool isDigest(std::string_view text);

}  // namespace gateway::replica
