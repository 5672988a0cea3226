// Uniting this node's records with those of a backup. Never takes what no trusted node signed, and
// never writes before the whole of it was judged.
#include <exception>

#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/mail/registry_state.h"

namespace gateway {

namespace {

std::string nameOf(const NodeFile& file) {
    return file.node.str() + (file.nodeName.empty() ? "" : " (" + file.nodeName + ')');
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

[[noreturn]] void throwIncomplete(const std::exception_ptr& first, std::size_t failures,
                                  std::size_t all) {
    try {
        std::rethrow_exception(first);
    } catch (const Error& error) {
        throw Error(error.kind(), std::to_string(failures) + " of " + std::to_string(all) +
                                      " mailboxes were not imported, the others were; the first: " +
                                      error.what() + ". Importing it once more brings the rest");
    }
}

std::shared_ptr<const Mailbox> folded(const Record& record) {
    Mailbox state = record.fold();
    return state.current() == nullptr ? nullptr : std::make_shared<const Mailbox>(std::move(state));
}

}  // namespace

void RegistryKeeper::State::planTrust(std::span<const Record> others, bool trustAll,
                                      const std::string& how, Plan& plan) const {
    const bool takesAll = trustAll || isNewNode();
    std::set<std::string> trusted;
    std::set<std::string> distrusted;
    for (const Record& other : others) {
        for (const auto& [key, file] : other.files()) {
            // Who says nothing need not be trusted.
            if (file.statements.empty() || plan.trusts(context, file)) {
                continue;
            }
            if (file.node == context.node.id()) {
                distrusted.insert(nameOf(file) +
                                  ", which uses this node's own id with another key");
            } else if (takesAll && plan.trusted.add(file.node, file.nodeKey, how)) {
                trusted.insert(nameOf(file));
            } else {
                distrusted.insert(nameOf(file) +
                                  (takesAll ? ", which was trusted with another key before: see " +
                                                  context.layout.trustFile().native()
                                            : ""));
            }
        }
    }
    plan.import.trusted.assign(trusted.begin(), trusted.end());
    plan.import.distrusted.assign(distrusted.begin(), distrusted.end());
}

std::map<MailboxId, Record> RegistryKeeper::State::withHeldBack(std::span<const Record> others,
                                                                const Plan& plan) const {
    std::map<MailboxId, Record> all;
    for (const Record& other : others) {
        all.try_emplace(other.mailbox(), other.mailbox()).first->second.unite(other);
    }
    if (plan.import.trusted.empty()) {
        return all;
    }
    for (const auto& [id, record] : records) {
        const auto folder = RecordFolder::read(context.layout, context.layout.record(id), id);
        for (const auto& [node, found] : folder.files) {
            if (found.file && plan.trusts(context, *found.file) &&
                !context.trusts(node, found.file->nodeKey)) {
                all.try_emplace(id, id).first->second.unite(*found.file);
            }
        }
    }
    return all;
}

bool RegistryKeeper::State::Plan::trusts(const RecordContext& known, const NodeFile& file) const {
    return known.trusts(file.node, file.nodeKey) || trusted.trusts(file.node, file.nodeKey);
}

RegistryKeeper::State::Plan RegistryKeeper::State::plan(std::span<const Record> others,
                                                        bool trustAll,
                                                        const std::string& how) const {
    Plan plan;
    plan.trusted = context.trusted;
    planTrust(others, trustAll, how, plan);
    for (const auto& [id, other] : withHeldBack(others, plan)) {
        const auto found = records.find(id);
        const Record* known = found == records.end() ? nullptr : &found->second.known();
        RecordChange change(id);
        Record news(id);
        for (const auto& [key, file] : other.files()) {
            sortOut(file, known, plan.trusts(context, file), news, change);
        }
        if (change.added == 0 && change.heldBack == 0) {
            continue;
        }
        Record united = known == nullptr ? Record(id) : *known;
        united.unite(news);
        change.before = current->find(id);
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
    return m_state->plan(records, trustAll, "").import;
}

RegistryKeeper::Import RegistryKeeper::import(std::span<const Record> records, bool trustAll,
                                              const std::string& how) {
    State& state = *m_state;
    State::Plan plan = state.plan(records, trustAll, how);
    if (!plan.import.trusted.empty()) {
        state.context.prepareToWrite();
        plan.trusted.save(state.context.layout);
        state.context.trusted = plan.trusted;
    }
    std::size_t failures = 0;
    std::exception_ptr first;
    for (const Record& news : plan.news) {
        try {
            state.recordOf(news.mailbox()).unite(state.context, news);
        } catch (const Error& error) {  // of one mailbox; the others are not to wait for it
            ++failures;
            first = first ? first : std::current_exception();
            log::error("a mailbox was not imported",
                       {{"mailbox", news.mailbox().str()}, {"cause", error.what()}});
        }
    }
    state.publish();
    if (first) {
        throwIncomplete(first, failures, plan.news.size());
    }
    return std::move(plan.import);
}

}  // namespace gateway
