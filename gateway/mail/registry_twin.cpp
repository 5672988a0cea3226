// What twins exchange of this node's records, and whom it trusts. Never lets a statement count that
// import() would not, and never lets what does not count grow beyond its bounds.
#include <algorithm>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/mail/registry_state.h"

namespace gateway {

namespace {

/// Of one mailbox; each belongs to a node that somebody may want to trust.
constexpr std::size_t kMostHeldBackFiles = 8;
constexpr std::size_t kLargestHeldBack = std::size_t{64} << 10U;
constexpr std::size_t kMostHeldBackOctets = std::size_t{16} << 20U;

/// Whether a file of that node would take the place of one that counts, or of our own.
bool isTaken(const RecordContext& context, const Record& known, const NodeFile& file) {
    return file.node == context.node.id() ||
           std::any_of(known.files().begin(), known.files().end(),
                       [&](const auto& each) { return each.second.node == file.node; });
}

bool isSound(const NodeFile& file) {
    return !file.statements.empty() &&
           std::all_of(file.statements.begin(), file.statements.end(),
                       [&](const Statement& each) { return each.signedBy(file.nodeKey); });
}

}  // namespace

std::optional<NodeFile> RegistryKeeper::file(const RecordFileKey& key) const {
    const auto record = m_state->records.find(key.mailbox);
    if (record == m_state->records.end()) {
        return std::nullopt;
    }
    const auto& files = record->second.known().files();
    const auto found = files.find({key.node, key.key});
    return found == files.end() ? std::nullopt : std::optional(found->second);
}

std::size_t RegistryKeeper::State::heldBackOctets() const {
    std::size_t octets = 0;
    for (const auto& [id, record] : records) {
        octets += record.heldBackOctets();
    }
    return octets;
}

bool RegistryKeeper::State::holdBack(const MailboxId& id, const NodeFile& file) {
    const auto found = records.find(id);
    if (found == records.end() || !found->second.mailbox() ||
        isTaken(context, found->second.known(), file) || !isSound(file)) {
        return false;
    }
    const auto folder = RecordFolder::read(context.layout, context.layout.record(id), id);
    const auto there = folder.files.find(file.node);
    NodeFile whole = file;
    if (there != folder.files.end()) {
        const RecordFile& before = there->second;
        if (!before.file || before.file->nodeKey != file.nodeKey) {
            return false;
        }
        whole.unite(*before.file);
        if (whole.statements.size() == before.file->statements.size()) {
            return true;
        }
    }
    const std::string text = Record::toToml(id, whole);
    const std::size_t room = kMostHeldBackOctets - std::min(kMostHeldBackOctets, heldBackOctets());
    const std::size_t counting = found->second.known().files().size();
    if (text.size() > std::min(kLargestHeldBack, room) ||
        (there == folder.files.end() && folder.files.size() >= counting + kMostHeldBackFiles)) {
        return false;
    }
    context.prepareToWrite();
    writeDurably(context.layout.recordFile(id, file.node), text);
    if (const auto failure = found->second.reconcile(context)) {
        std::rethrow_exception(failure);
    }
    return true;
}

RegistryKeeper::Addition RegistryKeeper::add(std::span<const Record> records) {
    State& state = *m_state;
    const Import imported =
        import(records, false, "sent by a twin when this node had no mailbox yet");
    Addition addition;
    for (const RecordChange& change : imported.changes) {
        addition.mailboxes += change.added > 0 ? 1 : 0;
        addition.statements += change.added;
    }
    for (const Record& record : records) {
        for (const auto& [key, file] : record.files()) {
            if (file.statements.empty() || state.context.trusts(file.node, file.nodeKey)) {
                continue;
            }
            ++(state.holdBack(record.mailbox(), file) ? addition.heldBack : addition.refused);
        }
    }
    if (addition.heldBack > 0) {
        state.publish();
    }
    return addition;
}

bool RegistryKeeper::trust(const NodeId& node, const crypto::VerifyKey& key,
                           const std::string& how) {
    State& state = *m_state;
    if (node == state.context.node.id()) {
        return false;
    }
    if (state.context.trusted.trusts(node, key)) {
        return true;
    }
    TrustedNodes trusted = state.context.trusted;
    if (!trusted.add(node, key, how)) {
        return false;
    }
    state.context.prepareToWrite();
    trusted.save(state.context.layout);
    state.context.trusted = std::move(trusted);
    log::notice("a node's statements count from now on", {{"node", node.str()}, {"how", how}});
    for (auto& [id, record] : state.records) {
        record.reconcile(state.context);  // what fails is a finding, and tried again
    }
    state.publish();
    return true;
}

void RegistryKeeper::distrust(const NodeId& node) {
    State& state = *m_state;
    TrustedNodes trusted = state.context.trusted;
    trusted.remove(node);
    state.context.prepareToWrite();
    trusted.save(state.context.layout);
    state.context.trusted = std::move(trusted);
    log::notice("nothing new that a node says counts any more", {{"node", node.str()}});
}

const TrustedNodes& RegistryKeeper::trusted() const { return m_state->context.trusted; }

const Node& RegistryKeeper::self() const { return m_state->context.node; }

}  // namespace gateway
