// A node's file of one mailbox: read, written and read again it is the same; union is idempotent
// and knows no order; any set of statements folds. Input: the file.
#include <functional>

#include "tests/fuzz/fuzzing.h"
#include "tests/fuzz/record_fixture.h"

namespace {

using fuzz::claim;
using gateway::NodeFile;
using gateway::Record;

std::string textOf(const NodeFile& file) { return Record::toToml(fuzz::mailbox(), file); }

/// All that the record says, node by node.
std::string textOf(const Record& record) {
    std::string text;
    for (const auto& [node, file] : record.files()) {
        text += textOf(file);
    }
    return text;
}

/// The state in words, so that two can be compared.
std::string textOf(const gateway::Mailbox& state) {
    std::string text = state.name + '\n' + state.description + '\n' +
                       std::to_string(static_cast<int>(state.status)) + ' ' +
                       std::to_string(state.greatestCounter) + ' ' +
                       std::to_string(state.created.time_since_epoch().count()) +
                       state.allowStated.dump() + state.alerts.dump();
    for (const gateway::MailboxKey& key : state.keys) {
        text += '\n' + key.recipient.str() + std::to_string(key.epoch) + key.sealedIdentity;
        for (const gateway::RecoverySeal& seal : key.recoverySeals) {
            text += '\n' + (seal.recipient ? seal.recipient->str() : "") + seal.sealed;
        }
        for (const gateway::ChainLink& link : key.chain) {
            text += '\n' + link.recipient.str() + link.sealed;
        }
    }
    return text;
}

/// The statements of `file` that `wants` names by their position.
NodeFile partOf(const NodeFile& file, const std::function<bool(std::size_t)>& wants) {
    NodeFile part(file.node, file.nodeKey, file.nodeName);
    for (std::size_t i = 0; i < file.statements.size(); ++i) {
        if (wants(i)) {
            part.add(file.statements[i]);
        }
    }
    return part;
}

void checkUnion(const NodeFile& file) {
    Record record(fuzz::mailbox());
    claim(record.unite(file), "a first file is news");
    claim(!record.unite(file), "the same again is no news");
    Record same(fuzz::mailbox());
    same.unite(record);
    claim(!same.unite(record) && textOf(same) == textOf(record), "a union with itself is itself");

    const NodeFile even = partOf(file, [](std::size_t i) { return i % 2 == 0; });
    const NodeFile first =
        partOf(file, [&](std::size_t i) { return i <= file.statements.size() / 2; });
    const NodeFile odd = partOf(file, [](std::size_t i) { return i % 2 == 1; });
    Record forwards(fuzz::mailbox());
    Record backwards(fuzz::mailbox());
    for (const NodeFile* part : {&even, &first, &odd}) {
        forwards.unite(*part);
    }
    for (const NodeFile* part : {&odd, &first, &even}) {
        backwards.unite(*part);
    }
    claim(textOf(forwards) == textOf(record) && textOf(backwards) == textOf(record),
          "a union knows no order");
    claim(textOf(forwards.fold()) == textOf(record.fold()) &&
              textOf(backwards.fold()) == textOf(record.fold()),
          "a state knows no order");
    const auto nobody = record.fold([](const auto&, const auto&) { return false; });
    claim(nobody.keys.empty() && nobody.heldBack == file.statements.size(),
          "what nobody trusts does not count");
}

}  // namespace

void fuzz::run(std::string_view input) {
    const Record::Reading reading = Record::read(mailbox(), input);
    claim(reading.file || !reading.problem.empty(), "a refusal has its reason");
    if (!reading.file) {
        return;
    }
    const std::string written = textOf(*reading.file);
    std::string why;
    const auto again = Record::fromToml(mailbox(), written, why);
    claim(again && why.empty(), "what is written can be read");
    claim(textOf(*again) == written, "what is written is read the same");
    claim(again->statements == reading.file->statements, "no statement is lost");
    checkUnion(*reading.file);
}
