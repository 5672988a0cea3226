// Uniting this node's records with those of a backup. Never takes what no trusted node signed, and
// never writes before the whole of it was judged.
#include <algorithm>

#include "gateway/base/error.h"
#include "gateway/mail/registry_state.h"

namespace gateway {

namespace {

std::string nameOf(const NodeFile& file) {
    return file.node.str() + (file.nodeName.empty() ? "" : " (" + file.nodeName + ')');
}

/// Each once, however many mailboxes it is in.
void note(std::vector<std::string>& nodes, const std::string& node) {
    if (std::find(nodes.begin(), nodes.end(), node) == nodes.end()) {
        nodes.push_back(node);
    }
}

/// Sorts the statements of `file` that `known` lacks into news and held back.
void sortOut(const NodeFile& file, const Record* known, bool trusted, Record& news,
             RecordChange& change) {
    NodeFile fresh(file.node, file.nodeKey, file.nodeName);
    const NodeFile* before = nullptr;
    if (known != nullptr) {
        const auto found = known->files().find({file.node, file.nodeKey});
        before = found == known->files().end() ? nullptr : &found->second;
    }
    for (const Statement& statement : file.statements) {
        if (before != nullptr && before->holds(statement)) {
            continue;
        }
        if (trusted && statement.signedBy(file.nodeKey)) {
            fresh.add(statement);
        } else {
            ++change.heldBack;
        }
    }
    if (!fresh.statements.empty()) {
        change.added += fresh.statements.size();
        news.unite(fresh);
    }
}

std::shared_ptr<const Mailbox> folded(const Record& record) {
    Mailbox state = record.fold();
    return state.current() == nullptr ? nullptr : std::make_shared<const Mailbox>(std::move(state));
}

}  // namespace

RegistryKeeper::State::Plan RegistryKeeper::State::plan(std::span<const Record> others,
                                                        bool trustAll) const {
    Plan plan;
    plan.trusted = context.trusted;
    const bool takesAll = trustAll || isNewNode();
    const auto isTrusted = [&](const NodeFile& file) {
        if (context.trusts(file.node, file.nodeKey)) {
            return true;
        }
        const bool trusted =
            takesAll && plan.trusted.add(file.node, file.nodeKey, "imported from a backup");
        note(trusted ? plan.import.trusted : plan.import.distrusted, nameOf(file));
        return trusted;
    };
    for (const Record& other : others) {
        const auto found = records.find(other.mailbox());
        const Record* known = found == records.end() ? nullptr : &found->second.known();
        RecordChange change(other.mailbox());
        Record news(other.mailbox());
        for (const auto& [key, file] : other.files()) {
            sortOut(file, known, isTrusted(file), news, change);
        }
        if (change.added == 0 && change.heldBack == 0) {
            continue;
        }
        Record united = known == nullptr ? Record(other.mailbox()) : *known;
        united.unite(news);
        change.before = current->find(other.mailbox());
        change.after = folded(united);
        plan.import.changes.push_back(std::move(change));
        if (!news.files().empty()) {
            plan.news.push_back(std::move(news));
        }
    }
    return plan;
}

std::vector<Record> RegistryKeeper::records() const {
    std::vector<Record> records;
    for (const auto& [id, record] : m_state->records) {
        if (!record.known().files().empty()) {
            records.push_back(record.known());
        }
    }
    return records;
}

RegistryKeeper::Import RegistryKeeper::preview(std::span<const Record> records,
                                               bool trustAll) const {
    return m_state->plan(records, trustAll).import;
}

RegistryKeeper::Import RegistryKeeper::import(std::span<const Record> records, bool trustAll) {
    State& state = *m_state;
    State::Plan plan = state.plan(records, trustAll);
    if (!plan.import.trusted.empty()) {
        state.context.prepareToWrite();
        plan.trusted.save(state.context.layout);
        state.context.trusted = plan.trusted;
    }
    try {
        for (const Record& news : plan.news) {
            state.recordOf(news.mailbox()).unite(state.context, news);
        }
    } catch (const Error&) {
        state.publish();  // what was imported so far counts
        throw;
    }
    state.publish();
    return std::move(plan.import);
}

}  // namespace gateway
