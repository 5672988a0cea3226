// One mailbox's record in its two places: config/, which an admin may copy, damage or overwrite at
// any time, and node/, the last known good copy, which only this program writes. Never lets a
// statement count that no trusted node signed, and never loses one that counted.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/mail/node.h"
#include "gateway/mail/record_folder.h"
#include "gateway/mail/record_writes.h"
#include "gateway/mail/registry.h"

namespace gateway {

/// What all records of a data directory have in common.
struct RecordContext {
    RecordContext(Layout dataLayout, Node thisNode, std::function<WallTime()> clock)
        : layout(std::move(dataLayout)), node(std::move(thisNode)), now(std::move(clock)) {}

    bool trusts(const NodeId& id, const crypto::VerifyKey& key) const;
    /// Before the first write of this process: a folder that a crash left unsynced must not hold
    /// what we call durable.
    void prepareToWrite();

    const Layout layout;
    const Node node;
    TrustedNodes trusted;
    const std::function<WallTime()> now;

private:
    bool m_prepared = false;
};

/// One thread at a time.
class KeptRecord {
public:
    explicit KeptRecord(const MailboxId& mailbox) : m_known(mailbox) {}

    /// Reads node/'s copy; once, at the start.
    void loadKnown(const RecordContext& context);

    /// Reads config/'s folder, takes over what counts (into node/ first), and writes back what
    /// config/ lacks or holds damaged. What goes wrong becomes a finding; the first failed write
    /// is returned too.
    std::exception_ptr reconcile(RecordContext& context);

    /// Adds what this node itself says: durable in both places when it returns. Throws where it
    /// could not; then nothing was said.
    void append(RecordContext& context, const NodeFile& own);
    /// Adds what others said, of which every statement counts; as durable, throws as append().
    void unite(RecordContext& context, const Record& others);

    /// Whether somebody else changed something in config/, or something is due to be judged again.
    bool changed(const RecordContext& context);

    /// Nothing where no statement counts or none names a key.
    const std::shared_ptr<const Mailbox>& mailbox() const { return m_mailbox; }
    /// Whether there is something, but nothing that can be used.
    bool unreadable() const;
    /// Whether config/ has a folder of it.
    bool inConfig() const { return m_folderStamp.exists(); }
    const std::vector<Finding>& findings() const { return m_findings; }
    const Record& known() const { return m_known; }
    /// Of what counts, file by file.
    const RecordDigests& digests() const { return m_digests; }
    /// How much lies in config/ of nodes none of whose statements about it count.
    std::size_t heldBackOctets() const;

private:
    struct Seen {
        Stamp stamp;
        std::size_t hash = 0;  ///< of the text
        RecordFile::State state = RecordFile::State::Good;
    };

    const MailboxId& id() const { return m_known.mailbox(); }
    /// `speaker` is the node that has just said something, where it is us.
    std::exception_ptr reconcile(RecordContext& context, const NodeId* speaker);
    void remember(const RecordContext& context, const RecordFolder& folder);
    std::size_t accept(const RecordContext& context, const NodeFile& file);
    void judge(const RecordContext& context, const NodeId& node, const RecordFile& file);
    void saveKnown(RecordContext& context);
    void writeBack(RecordContext& context, const NodeFile& known, const RecordFile* found,
                   bool speaks);
    void putAside(const RecordContext& context, const NodeId& node, const std::string& why);
    void keepWritten(const RecordContext& context);
    void add(RecordContext& context, const Record& news, const NodeId* speaker);
    void requireWritable(const NodeId& node) const;
    void requireFits(const Record& news) const;
    bool sameAsSeen(const RecordFolder& folder) const;
    void find(const std::filesystem::path& path, const std::string& text);

    Record m_known;              ///< what counts
    std::set<NodeId> m_unsaved;  ///< whose files in node/ are behind m_known
    std::set<NodeId>
        m_untouchable;  ///< whose files in node/ we cannot read, or a newer version wrote
    std::shared_ptr<const Mailbox> m_mailbox;
    RecordDigests m_digests;  ///< of m_known
    std::vector<Finding> m_findings;
    std::vector<Finding> m_knownFindings;  ///< of node/'s copy, until it could be written anew
    RecordWrites m_written;                ///< since reconcile() began
    Stamp m_folderStamp;
    std::map<NodeId, Seen> m_seen;
    std::vector<std::string> m_foreign;
    std::optional<WallTime> m_judgeAgain;  ///< a file was too young to be called damaged
    bool m_reconciled = false;
    bool m_settled = false;  ///< the stamps are old enough to tell every change
};

}  // namespace gateway
