#include "gateway/mail/kept_record.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/mail/replaced_keys.h"

namespace gateway {

namespace {

constexpr std::chrono::seconds kRetry{30};
constexpr int kMostPutAside = 1000;
constexpr const char* kWhatToDo =
    ": what was sealed for it is locked until it is given to `postern mailbox password "
    "--unlock-earlier`; `postern mailbox edit --acknowledge` ends this notice";

std::size_t hashOf(const std::string& text) { return std::hash<std::string>{}(text); }

bool sameKey(const RecordFile& record, const NodeFile& known) {
    return record.file && record.file->nodeKey == known.nodeKey;
}

/// Why a file in config/ is kept beside the one that takes its place; nothing where it need not be.
std::optional<std::string> whyPutAside(const RecordFile& record, const NodeFile& known) {
    if (record.file && !sameKey(record, known)) {
        return "it has another key than that node";
    }
    if (!record.file || record.state == RecordFile::State::Partial) {
        return record.problem;
    }
    return std::nullopt;
}

/// What is held back stays in config/, for the day it is trusted.
void addHeldBack(NodeFile& whole, const RecordFile& record) {
    if (sameKey(record, whole)) {
        for (const Statement& statement : record.file->statements) {
            whole.add(statement);
        }
    }
}

}  // namespace

bool RecordContext::trusts(const NodeId& id, const crypto::VerifyKey& key) const {
    return (id == node.id() && key == node.key().verifyKey()) || trusted.trusts(id, key);
}

void RecordContext::prepareToWrite() {
    if (!m_prepared) {
        syncFileSystem(layout.data());
        m_prepared = true;
    }
}

void KeptRecord::find(const std::filesystem::path& path, const std::string& text) {
    m_findings.emplace_back(path.native(), text);
}

void KeptRecord::loadKnown(const RecordContext& context) {
    const std::filesystem::path path = context.layout.knownRecords() / id().str();
    const RecordFolder folder = RecordFolder::read(context.layout, path, id());
    for (const auto& [node, record] : folder.files) {
        const std::filesystem::path file = context.layout.knownRecordFile(id(), node);
        if (!record.problem.empty()) {
            m_knownFindings.emplace_back(file.native(), record.problem);
            const bool ours = record.state == RecordFile::State::Partial ||
                              record.state == RecordFile::State::Damaged;
            // A damaged one is written anew once config/ has supplied what it held.
            (ours ? m_unsaved : m_untouchable).insert(node);
        }
        if (!record.file) {
            continue;
        }
        // What is in node/ was trusted when it was written; only the disk can have spoilt it.
        const NodeFile good = record.file->soundPart();
        if (good.statements.size() < record.file->statements.size()) {
            m_knownFindings.emplace_back(file.native(),
                                         "a signature in it is wrong: the disk may "
                                         "be failing; what is good is used");
            m_unsaved.insert(node);
        }
        m_known.unite(good);
    }
    if (!folder.problem.empty()) {
        m_knownFindings.emplace_back(path.native(), folder.problem);
    }
}

std::exception_ptr KeptRecord::reconcile(RecordContext& context) {
    const std::exception_ptr failure = reconcile(context, nullptr);
    keepWritten(context);
    return failure;
}

std::exception_ptr KeptRecord::reconcile(RecordContext& context, const NodeId* speaker) {
    m_reconciled = true;
    m_findings = m_knownFindings;
    m_judgeAgain.reset();
    const RecordFolder folder =
        RecordFolder::read(context.layout, context.layout.record(id()), id());
    remember(context, folder);
    std::size_t heldBack = 0;
    for (const auto& [node, record] : folder.files) {
        judge(context, node, record);
        heldBack += record.file ? accept(context, *record.file) : 0;
    }
    if (!folder.problem.empty()) {
        find(context.layout.record(id()), folder.problem);
        m_judgeAgain = context.now() + kRetry;
    }
    for (const std::string& name : folder.foreign) {
        find(context.layout.record(id()) / name, "it is no record of a node: move it away");
    }
    std::exception_ptr failure;
    try {
        saveKnown(context);
        for (const auto& [key, known] : m_known.files()) {
            const auto found = folder.files.find(known.node);
            const bool there = found != folder.files.end();
            if (there || folder.problem.empty()) {
                writeBack(context, known, there ? &found->second : nullptr,
                          speaker != nullptr && known.node == *speaker);
            }
        }
    } catch (const Error& error) {
        failure = std::current_exception();  // mail goes on by what is known; tried again later
        find(context.layout.record(id()), error.what());
        m_judgeAgain = context.now() + kRetry;
    }
    m_digests.clear();
    for (const auto& [key, file] : m_known.files()) {
        m_digests.try_emplace({id(), key.first, key.second}, digestOf(file));
    }
    Mailbox state = m_known.fold();
    state.heldBack = heldBack;
    for (const ReplacedKey& replaced : replacedKeys(state)) {
        if (!replaced.lost->acknowledged) {
            find(context.layout.record(id()), describe(replaced) + kWhatToDo);
        }
    }
    m_mailbox = state.current() == nullptr ? nullptr : std::make_shared<const Mailbox>(state);
    return failure;
}

void KeptRecord::remember(const RecordContext& context, const RecordFolder& folder) {
    m_folderStamp = folder.stamp;
    m_foreign = folder.foreign;
    m_seen.clear();
    m_settled = folder.stamp.age(context.now()) >= Stamp::kGranularity;
    for (const auto& [node, record] : folder.files) {
        m_seen[node] = {record.stamp, hashOf(record.text), record.state};
        m_settled = m_settled && record.stamp.age(context.now()) >= Stamp::kGranularity;
    }
}

void KeptRecord::judge(const RecordContext& context, const NodeId& node, const RecordFile& file) {
    if (file.damaged() && file.mayBeUnderWay(context.now())) {
        m_judgeAgain = context.now() + RecordFile::kYoung;
    }
    if (file.state != RecordFile::State::Good) {
        find(context.layout.recordFile(id(), node), file.complaint(context.now()));
    }
}

std::size_t KeptRecord::accept(const RecordContext& context, const NodeFile& file) {
    const auto known = m_known.files().find({file.node, file.nodeKey});
    const bool trusted = context.trusts(file.node, file.nodeKey);
    NodeFile fresh(file.node, file.nodeKey, file.nodeName);
    std::size_t heldBack = 0;
    for (const Statement& statement : file.statements) {
        if (known != m_known.files().end() && known->second.holds(statement)) {
            continue;
        }
        if (trusted && statement.signedBy(file.nodeKey)) {
            fresh.add(statement);
        } else {
            ++heldBack;
        }
    }
    if (!fresh.statements.empty()) {
        m_known.unite(fresh);
        m_unsaved.insert(file.node);
    }
    if (heldBack > 0) {
        find(context.layout.recordFile(id(), file.node),
             std::to_string(heldBack) + (heldBack == 1 ? " statement" : " statements") +
                 (trusted ? " held back: the signature is not that of the node; copy the file anew"
                          : " held back: this node does not trust node " + file.node.str() + " (" +
                                file.nodeName + "); pair the two, or import with --trust"));
    }
    return heldBack;
}

void KeptRecord::saveKnown(RecordContext& context) {
    for (const auto& [key, file] : m_known.files()) {
        if (m_unsaved.contains(file.node) && !m_untouchable.contains(file.node)) {
            context.prepareToWrite();
            makeDurableDirectory(context.layout.knownRecords() / id().str());
            m_written.write(context.layout.knownRecordFile(id(), file.node),
                            Record::toToml(id(), file));
            m_unsaved.erase(file.node);
        }
    }
    if (m_unsaved.empty() && m_untouchable.empty()) {
        m_knownFindings.clear();
    }
}

void KeptRecord::writeBack(RecordContext& context, const NodeFile& known, const RecordFile* found,
                           bool speaks) {
    using State = RecordFile::State;
    NodeFile whole = known;
    if (found != nullptr) {
        const auto isThere = [found](const Statement& each) { return found->file->holds(each); };
        if (found->state == State::Unreadable || found->state == State::Newer ||
            (sameKey(*found, known) &&
             std::all_of(known.statements.begin(), known.statements.end(), isThere))) {
            return;
        }
        // Replacing a file that somebody is just writing would lose the rest of it.
        if (found->mayBeUnderWay(context.now()) && !(speaks && found->state == State::Good)) {
            m_judgeAgain = context.now() + RecordFile::kYoung;
            return;
        }
        if (const auto why = whyPutAside(*found, known)) {
            putAside(context, known.node, *why);
        }
        addHeldBack(whole, *found);
    }
    context.prepareToWrite();
    const std::filesystem::path path = context.layout.recordFile(id(), known.node);
    const std::string text = Record::toToml(id(), whole);
    makeDurableDirectory(path.parent_path());
    m_written.write(path, text);
    m_seen[known.node] = {Stamp::of(path), hashOf(text), RecordFile::State::Good};
    m_folderStamp = Stamp::of(path.parent_path());
    m_settled = false;
}

void KeptRecord::putAside(const RecordContext& context, const NodeId& node,
                          const std::string& why) {
    const std::filesystem::path path = context.layout.recordFile(id(), node);
    for (int number = 1; number <= kMostPutAside; ++number) {
        const std::string aside = path.native() + ".damaged-" + std::to_string(number);
        if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, aside.c_str(), RENAME_NOREPLACE) == 0) {
            find(path, "it was damaged (" + why +
                           "); the last known good copy is in its place, "
                           "the damaged file is kept as " +
                           aside);
            log::warning("a damaged record was replaced by the last known good copy",
                         {{"file", path.native()}, {"cause", why}, {"kept as", aside}});
            return;
        }
        if (errno != EEXIST) {
            throwErrno("rename", path.native());
        }
    }
    throw Error(Error::Kind::Disk, "too many damaged copies beside " + path.native());
}

void KeptRecord::append(RecordContext& context, const NodeFile& own) {
    Record news(id());
    news.unite(own);
    add(context, news, &own.node);
}

void KeptRecord::unite(RecordContext& context, const Record& others) {
    add(context, others, nullptr);
}

void KeptRecord::requireWritable(const NodeId& node) const {
    const auto seen = m_seen.find(node);
    const bool newer = seen != m_seen.end() && seen->second.state == RecordFile::State::Newer;
    if (newer || m_untouchable.contains(node)) {
        throw Error(Error::Kind::Config, "change " + id().str() + ": what node " + node.str() +
                                             " said before cannot be read, or a newer Postern "
                                             "wrote it; see `postern check`");
    }
}

void KeptRecord::requireFits(const Record& news) const {
    Record united = m_known;
    united.unite(news);
    for (const auto& [key, file] : news.files()) {
        const NodeFile& whole = united.files().at(key);
        if (whole.statements.size() > NodeFile::kMostStatements ||
            Record::toToml(id(), whole).size() > NodeFile::kMostOctets) {
            throw Error(Error::Kind::Config,
                        "change " + id().str() + ": the record file of node " + file.node.str() +
                            " would grow beyond what is read (10,000 statements, 4 MiB); stop "
                            "what changes it so often. A new mailbox has room again");
        }
    }
}

void KeptRecord::add(RecordContext& context, const Record& news, const NodeId* speaker) {
    for (const auto& [key, file] : news.files()) {
        requireWritable(file.node);
    }
    requireFits(news);
    const KeptRecord before = *this;
    m_known.unite(news);
    for (const auto& [key, file] : news.files()) {
        m_unsaved.insert(file.node);
    }
    if (const std::exception_ptr failure = reconcile(context, speaker)) {
        m_written.takeBack();
        *this = before;
        m_reconciled = false;
        std::rethrow_exception(failure);
    }
    keepWritten(context);
}

void KeptRecord::keepWritten(const RecordContext& context) {
    const std::filesystem::path folder = context.layout.record(id());
    const bool isSeen = Stamp::of(folder) == m_folderStamp;
    m_written.keep();
    if (isSeen) {
        m_folderStamp = Stamp::of(folder);  // that was us
    }
}

bool KeptRecord::sameAsSeen(const RecordFolder& folder) const {
    return folder.foreign == m_foreign &&
           std::equal(folder.files.begin(), folder.files.end(), m_seen.begin(), m_seen.end(),
                      [](const auto& file, const auto& seen) {
                          return file.first == seen.first &&
                                 hashOf(file.second.text) == seen.second.hash;
                      });
}

bool KeptRecord::changed(const RecordContext& context) {
    const std::filesystem::path path = context.layout.record(id());
    if (!m_reconciled || (m_judgeAgain && context.now() >= *m_judgeAgain)) {
        return true;
    }
    if (Stamp::of(path) != m_folderStamp) {
        return true;
    }
    for (const auto& [node, seen] : m_seen) {
        if (Stamp::of(context.layout.recordFile(id(), node)) != seen.stamp) {
            return true;
        }
    }
    if (m_settled || m_folderStamp.age(context.now()) < Stamp::kGranularity) {
        return false;
    }
    // Once, when the times have become old enough to tell: did a change hide behind them?
    const RecordFolder folder = RecordFolder::read(context.layout, path, id());
    if (!sameAsSeen(folder)) {
        return true;
    }
    m_settled = true;
    return false;
}

std::size_t KeptRecord::heldBackOctets() const {
    std::size_t octets = 0;
    for (const auto& [node, seen] : m_seen) {
        const auto& files = m_known.files();
        const bool counts = std::any_of(files.begin(), files.end(), [&](const auto& known) {
            return known.second.node == node;
        });
        octets += counts || seen.stamp.size < 0 ? 0 : static_cast<std::size_t>(seen.stamp.size);
    }
    return octets;
}

bool KeptRecord::unreadable() const {
    return !m_mailbox && (!m_seen.empty() || !m_findings.empty() || !m_known.files().empty());
}

}  // namespace gateway
