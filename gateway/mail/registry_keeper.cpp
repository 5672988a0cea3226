// The keeper of all records: which mailboxes there are, when something changed, what this node
// says. Never touches a file itself; that is KeptRecord's, for one mailbox.
#include <algorithm>

#include "crypto/sealed_text.h"
#include "gateway/base/error.h"
#include "gateway/base/log.h"
#include "gateway/mail/ownership.h"
#include "gateway/mail/registry_state.h"
#include "gateway/mail/replaced_keys.h"

namespace gateway {

namespace {

using nlohmann::json;

/// The names in a folder; none where there is no such folder.
std::set<std::string> namesIn(const std::filesystem::path& folder, std::vector<Finding>& findings,
                              const Layout& layout) {
    std::set<std::string> names;
    std::error_code error;
    std::filesystem::directory_iterator walk(folder, error);
    for (; !error && walk != std::filesystem::directory_iterator(); walk.increment(error)) {
        names.insert(walk->path().filename());
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        findings.emplace_back(folder.native(), "it cannot be read (" + error.message() +
                                                   "); run `" + chownLine(layout, folder) + "`");
    }
    return names;
}

/// The mailbox a folder belongs to; only in the spelling that we write ourselves.
std::optional<MailboxId> mailboxOf(const std::string& name) {
    auto id = MailboxId::parse(name);
    return id && id->str() == name ? id : std::nullopt;
}

/// The identities sealed to a newer key of their mailbox.
json chainOf(const MailboxId& id, std::span<const crypto::OpenKey> older,
             const crypto::SealKey& to) {
    json chain = json::array();
    for (const crypto::OpenKey& key : older) {
        chain.push_back({{"recipient", key.sealKey().str()},
                         {"sealed", crypto::sealIdentity(key, id.str(), to)}});
    }
    return chain;
}

}  // namespace

RegistryKeeper::RegistryKeeper(Layout layout, Node node, std::function<WallTime()> now)
    : m_state(std::make_unique<State>(std::move(layout), std::move(node), std::move(now))) {}

RegistryKeeper::~RegistryKeeper() = default;

std::shared_ptr<const Registry> RegistryKeeper::current() const { return m_state->current; }

void RegistryKeeper::State::loadFirst() {
    context.trusted = TrustedNodes::load(context.layout);
    std::vector<Finding> trouble;
    const auto known = namesIn(context.layout.knownRecords(), trouble, context.layout);
    if (!trouble.empty()) {
        // Going on would take this for a node without mailboxes, which trusts whatever it finds.
        throw Error(Error::Kind::Permission, trouble[0].path + ": " + trouble[0].text);
    }
    for (const std::string& name : known) {
        if (const auto id = mailboxOf(name)) {
            recordOf(*id).loadKnown(context);
        }
    }
    loaded = true;
}

bool RegistryKeeper::State::isNewNode() const {
    return context.trusted.empty() &&
           std::all_of(records.begin(), records.end(),
                       [](const auto& entry) { return entry.second.known().files().empty(); });
}

void RegistryKeeper::State::trustFoundNodes() {
    bool found = false;
    for (const std::string& name : names) {
        const auto id = mailboxOf(name);
        if (!id) {
            continue;
        }
        const auto folder = RecordFolder::read(context.layout, context.layout.record(*id), *id);
        for (const auto& [node, record] : folder.files) {
            if (record.file && node != context.node.id()) {
                context.trusted.add(node, record.file->nodeKey,
                                    "found when this node had no mailbox yet");
                found = true;
            }
        }
    }
    if (found) {
        context.trusted.save(context.layout);
        log::notice("this node had no mailbox: it trusts the nodes whose records it found",
                    {{"written to", context.layout.trustFile().native()}});
    }
}

void RegistryKeeper::State::readNames() {
    findings.clear();
    folderStamp = Stamp::of(context.layout.records());
    settled = false;
    names = namesIn(context.layout.records(), findings, context.layout);
    for (const std::string& name : names) {
        if (!mailboxOf(name)) {
            findings.emplace_back((context.layout.records() / name).native(),
                                  "its name is none of a mailbox: move it away");
        }
    }
}

std::shared_ptr<const Registry> RegistryKeeper::load() {
    State& state = *m_state;
    state.readNames();
    if (!state.loaded) {
        state.loadFirst();
    }
    if (state.isNewNode()) {
        state.trustFoundNodes();
    }
    for (const std::string& name : state.names) {
        if (const auto id = mailboxOf(name)) {
            state.recordOf(*id);
        }
    }
    for (auto& [id, record] : state.records) {
        if (record.changed(state.context)) {
            record.reconcile(state.context);
        }
    }
    state.publish();
    return state.current;
}

bool RegistryKeeper::changed() {
    State& state = *m_state;
    return !state.loaded || state.folderChanged() ||
           std::any_of(state.records.begin(), state.records.end(),
                       [&](auto& entry) { return entry.second.changed(state.context); });
}

bool RegistryKeeper::State::folderChanged() {
    const std::filesystem::path folder = context.layout.records();
    if (Stamp::of(folder) != folderStamp) {
        return true;
    }
    if (settled || folderStamp.age(context.now()) < Stamp::kGranularity) {
        return false;
    }
    // Once, when its time has become old enough to tell: did a change hide behind it?
    std::vector<Finding> ignored;
    settled = namesIn(folder, ignored, context.layout) == names;
    return !settled;
}

void RegistryKeeper::State::publish() {
    // Our own new folders are no news; a foreign one that hides behind them is found by its name.
    for (const auto& [id, record] : records) {
        if (record.inConfig()) {
            names.insert(id.str());
        }
    }
    folderStamp = Stamp::of(context.layout.records());
    settled = false;
    Registry::Mailboxes mailboxes;
    std::vector<MailboxId> unreadable;
    std::vector<Finding> all = findings;
    RecordDigests digests;
    for (const auto& [id, record] : records) {
        if (record.mailbox()) {
            mailboxes.emplace_hint(mailboxes.end(), id, record.mailbox());
        } else if (record.unreadable()) {
            unreadable.push_back(id);
        }
        all.insert(all.end(), record.findings().begin(), record.findings().end());
        digests.insert(record.digests().begin(), record.digests().end());
    }
    current = std::make_shared<const Registry>(std::move(mailboxes), std::move(unreadable),
                                               std::move(all), std::move(digests));
}

std::shared_ptr<const Mailbox> RegistryKeeper::State::say(const MailboxId& id,
                                                          const std::vector<Draft>& drafts) {
    KeptRecord& record = recordOf(id);
    std::uint64_t counter = record.known().fold().greatestCounter;
    NodeFile own(context.node.id(), context.node.key().verifyKey(), context.node.name());
    for (const Draft& draft : drafts) {
        own.add(Statement::make(id, context.node.id(), context.node.key(), ++counter, context.now(),
                                draft.kind, draft.fields));
    }
    record.append(context, own);
    publish();
    return record.mailbox();
}

std::shared_ptr<const Mailbox> RegistryKeeper::create(NewMailbox wanted) {
    const MailboxId id = wanted.address ? *wanted.address : MailboxId::generate();
    if (current()->find(id) || current()->unreadable(id)) {
        throw Error(Error::Kind::Busy, id.str() + " exists already");
    }
    return m_state->say(id,
                        {{"created", {{"name", wanted.name}}},
                         {"describe", {{"name", wanted.name}, {"description", wanted.description}}},
                         {"status", {{"status", nameOf(wanted.status)}}},
                         m_state->newKey(id, 1, wanted.password, wanted.logN, {})});
}

void RegistryKeeper::setRecovery(std::optional<crypto::SealKey> recipient) {
    m_state->recovery = std::move(recipient);
}

void RegistryKeeper::State::addRecovery(const MailboxId& id, const crypto::OpenKey& key,
                                        json& fields) const {
    if (recovery) {
        fields["recovery"] = recovery->str();
        fields["sealed_for_recovery"] = crypto::sealIdentity(key, id.str(), *recovery);
    }
}

RegistryKeeper::State::Draft RegistryKeeper::State::newKey(
    const MailboxId& id, std::uint64_t epoch, const crypto::Password& password, int logN,
    std::span<const crypto::OpenKey> older) const {
    const crypto::OpenKey key = crypto::OpenKey::generate();
    json fields{{"recipient", key.sealKey().str()},
                {"epoch", epoch},
                {"sealed_identity", crypto::sealIdentity(key, id.str(), password, logN)}};
    if (!older.empty()) {
        fields["chain"] = chainOf(id, older, key.sealKey());
    }
    addRecovery(id, key, fields);
    return {"key", std::move(fields)};
}

/// A key is stated again with what is new, for no statement ever changes.
void RegistryKeeper::State::addUncovered(const Mailbox& mailbox,
                                         std::span<const crypto::OpenKey> keys,
                                         std::vector<Draft>& drafts) const {
    for (const MailboxKey& known : mailbox.keys) {
        const auto opened = std::find_if(keys.begin(), keys.end(), [&](const crypto::OpenKey& key) {
            return key.sealKey() == known.recipient;
        });
        if (!recovery || known.sealedFor(*recovery) || opened == keys.end()) {
            continue;
        }
        json fields{{"recipient", known.recipient.str()},
                    {"epoch", known.epoch},
                    {"sealed_identity", known.sealedIdentity}};
        addRecovery(mailbox.id, *opened, fields);
        drafts.push_back({"key", std::move(fields)});
    }
}

std::shared_ptr<const Mailbox> RegistryKeeper::addKey(const MailboxId& id,
                                                      const crypto::Password& password,
                                                      std::span<const crypto::OpenKey> older,
                                                      int logN) {
    m_state->require(id);
    const auto mailbox = m_state->current->find(id);
    std::vector<State::Draft> drafts{
        m_state->newKey(id, mailbox->current()->epoch + 1, password, logN, older)};
    m_state->addUncovered(*mailbox, older, drafts);
    return m_state->say(id, drafts);
}

std::shared_ptr<const Mailbox> RegistryKeeper::addChain(const MailboxId& id,
                                                        std::span<const crypto::OpenKey> older) {
    m_state->require(id);
    const auto mailbox = m_state->current->find(id);
    const crypto::SealKey& to = mailbox->current()->recipient;
    std::vector<State::Draft> drafts{
        {"chain", {{"to", to.str()}, {"chain", chainOf(id, older, to)}}}};
    m_state->addUncovered(*mailbox, older, drafts);
    return m_state->say(id, drafts);
}

std::shared_ptr<const Mailbox> RegistryKeeper::sealForRecovery(
    const MailboxId& id, std::span<const crypto::OpenKey> keys) {
    m_state->require(id);
    const auto mailbox = m_state->current->find(id);
    std::vector<State::Draft> drafts;
    m_state->addUncovered(*mailbox, keys, drafts);
    return drafts.empty() ? mailbox : m_state->say(id, drafts);
}

std::shared_ptr<const Mailbox> RegistryKeeper::describe(const MailboxId& id,
                                                        const std::string& name,
                                                        const std::string& description) {
    m_state->require(id);
    return m_state->say(id, {{"describe", {{"name", name}, {"description", description}}}});
}

std::shared_ptr<const Mailbox> RegistryKeeper::setStatus(const MailboxId& id,
                                                         MailboxStatus status) {
    m_state->require(id);
    return m_state->say(id, {{"status", {{"status", nameOf(status)}}}});
}

std::shared_ptr<const Mailbox> RegistryKeeper::setAllow(const MailboxId& id, const json& changes) {
    m_state->require(id);
    json fields = m_state->current->find(id)->allowStated;
    fields.merge_patch(changes);
    return m_state->say(id, {{"allow", std::move(fields)}});
}

std::shared_ptr<const Mailbox> RegistryKeeper::setAlerts(const MailboxId& id, const json& changes) {
    m_state->require(id);
    json fields = m_state->current->find(id)->alerts;
    fields.merge_patch(changes);
    return m_state->say(id, {{"alerts", std::move(fields)}});
}

std::shared_ptr<const Mailbox> RegistryKeeper::acknowledge(const MailboxId& id) {
    m_state->require(id);
    const auto mailbox = m_state->current->find(id);
    std::vector<State::Draft> drafts;
    for (const ReplacedKey& replaced : replacedKeys(*mailbox)) {
        if (!replaced.lost->acknowledged) {
            drafts.push_back({"acknowledge", {{"recipient", replaced.lost->recipient.str()}}});
        }
    }
    return drafts.empty() ? mailbox : m_state->say(id, drafts);
}

void RegistryKeeper::State::require(const MailboxId& id) const {
    if (!current->find(id)) {
        throw Error(Error::Kind::Config, "this node has no mailbox " + id.str());
    }
}

}  // namespace gateway
