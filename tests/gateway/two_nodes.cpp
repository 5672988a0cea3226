#include "tests/gateway/two_nodes.h"

#include <array>

#include <doctest/doctest.h>

#include "crypto/age_stream.h"
#include "gateway/base/durable_file.h"
#include "gateway/base/text.h"
#include "gateway/mail/backup.h"
#include "gateway/store/deposit.h"

namespace two_nodes {

using namespace gateway;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// The least that records accept: thousands of histories are played.
constexpr int kCost = crypto::kLeastCost;

Node nodeOf(const Layout& layout, const std::string& name) {
    for (const auto& directory : {layout.records(), layout.mailboxes(), layout.knownRecords()}) {
        makeDurableDirectory(directory);
    }
    std::string notice;
    return Node::loadOrMake(layout, name, notice, layout.data() / "machine-id");
}

/// Which of two nodes has the greater id decides who wins: that must not be left to chance.
void writeIdentity(const Layout& layout, char digit) {
    makeDurableDirectory(layout.node());
    const crypto::SecretBuffer seed = crypto::SigningKey::generate().seed();
    writeDurably(layout.nodeFile(), "format = 1\nid = \"n-" + std::string(32, digit) +
                                        "\"\nkey = \"" + std::string(seed.text()) + "\"\n");
}

std::string opened(DirectoryStore& store, const Waiting& message, const crypto::OpenKey& key) {
    const auto sealed = store.open(message.drop, message.id);
    REQUIRE(sealed);
    crypto::Opener opener(key);
    std::array<std::byte, 4096> buffer{};
    std::string text;
    while (const std::size_t got = sealed->read(buffer)) {
        opener.open(std::span(buffer).first(got), text);
    }
    opener.finish(text);
    return text;
}

}  // namespace

const MailboxId& address() {
    static const MailboxId id = *MailboxId::parse("mbx-0123456789abcdef0123456789abcdef");
    return id;
}

Gateway::Gateway(const std::string& name, char idDigit,
                 std::map<std::string, std::string>& passwords)
    : m_passwords(passwords),
      m_layout(m_folder.path()),
      m_name(name),
      m_config(parseConfig("domain = \"msgw.test\"\nhostname = \"" + name + "\"",
                           m_folder / "postern.toml")),
      m_store(m_layout) {
    writeIdentity(m_layout, idDigit);
    restart();
}

void Gateway::restart() {
    m_operations.reset();
    m_keeper = std::make_unique<RegistryKeeper>(m_layout, nodeOf(m_layout, m_name),
                                                [this] { return m_now; });
    m_operations = std::make_unique<Operations>(m_config, *m_keeper, m_store);
    m_keeper->load();
}

void Gateway::look() {
    m_keeper->load();
    m_now += std::chrono::seconds(61);
    m_keeper->load();
}

void Gateway::trust(const Gateway& other) {
    const Node node = nodeOf(other.m_layout, other.m_name);
    TrustedNodes trusted = TrustedNodes::load(m_layout);
    REQUIRE(trusted.add(node.id(), node.key().verifyKey(), "paired"));
    trusted.save(m_layout);
    restart();
}

json Gateway::ask(const std::string& operation, json request) {
    request["operation"] = operation;
    request["address"] = address().str();
    return m_operations->perform(std::move(request));
}

std::shared_ptr<const Mailbox> Gateway::mailbox() const {
    return m_keeper->current()->find(address());
}

void Gateway::note(const crypto::SealKey& recipient, const std::string& password) {
    m_passwords.emplace(recipient.str(), password);
}

std::string Gateway::newPassword() { return "pass " + std::to_string(m_passwords.size()); }

const std::string& Gateway::password() const {
    return m_passwords.at(mailbox()->current()->recipient.str());
}

void Gateway::create() {
    const std::string password = newPassword();
    const auto made = m_keeper->create({.address = address(),
                                        .name = "journal",
                                        .description = "",
                                        .password = crypto::Password(password),
                                        .logN = kCost});
    note(made->current()->recipient, password);
}

void Gateway::changePassword() {
    const OpenKeys older = openWithPassword(*mailbox(), crypto::Password(password()));
    REQUIRE_FALSE(older.empty());
    const std::string fresh = newPassword();
    note(m_keeper->addKey(address(), crypto::Password(fresh), older, kCost)->current()->recipient,
         fresh);
}

void Gateway::resetPassword() {
    const std::string fresh = newPassword();
    note(m_keeper->addKey(address(), crypto::Password(fresh), {}, kCost)->current()->recipient,
         fresh);
}

void Gateway::setStatus(MailboxStatus status) { m_keeper->setStatus(address(), status); }

std::string Gateway::exported() const {
    Backup backup;
    backup.domain = m_config.domain;
    backup.records = m_keeper->records();
    return backup.toToml();
}

void Gateway::import(const std::string& backup, bool trustAll) {
    std::string why;
    const auto read = Backup::fromToml(backup, why);
    REQUIRE_MESSAGE(read, why);
    m_keeper->import(read->records, trustAll);
}

void Gateway::deliver() {
    const Drop drop(address(), mailbox()->current()->recipient);
    const std::string text = m_name + " took number " + std::to_string(m_waiting.size());
    std::vector<Deposit::Copy> copies;
    copies.emplace_back(drop, "");
    Deposit deposit(m_store, MessageId::generate(), std::move(copies));
    deposit.append(octetsOf(text));
    deposit.commit();
    m_waiting.push_back({drop, deposit.id(), text});
}

void copyConfig(const fs::path& from, const Layout& to, Copying how) {
    if (how == Copying::Mirror) {
        fs::remove_all(to.config());
    }
    fs::create_directories(to.config());
    fs::copy(from, to.config(), fs::copy_options::recursive | fs::copy_options::overwrite_existing);
    for (const auto& entry : fs::recursive_directory_iterator(from)) {
        if (entry.is_regular_file()) {
            fs::last_write_time(to.config() / fs::relative(entry.path(), from),
                                entry.last_write_time());
        }
    }
}

std::string textOf(const Mailbox& mailbox) {
    json keys = json::array();
    for (const MailboxKey& key : mailbox.keys) {
        json chain = json::array();
        for (const ChainLink& link : key.chain) {
            chain.push_back({link.recipient.str(), link.sealed});
        }
        keys.push_back({key.recipient.str(), key.epoch, key.sealedIdentity, chain});
    }
    return json{{"name", mailbox.name},
                {"status", static_cast<int>(mailbox.status)},
                {"keys", keys},
                {"held back", mailbox.heldBack},
                {"counter", mailbox.greatestCounter}}
        .dump(1);
}

void expectAllOpens(Gateway& gateway, const std::map<std::string, std::string>& passwords) {
    const json before = gateway.ask("mailbox.show", {}).at("mailbox");
    REQUIRE(before.at("waiting").at("messages").get<std::size_t>() +
                before.at("locked").get<std::size_t>() ==
            gateway.waiting().size());
    const std::string present = gateway.password();
    std::size_t unlocked = 0;
    for (const Waiting& message : gateway.waiting()) {
        const auto ours = gateway.mailbox()->openable();
        if (std::find(ours.begin(), ours.end(), message.drop.recipient) == ours.end()) {
            const std::string& earlier = passwords.at(message.drop.recipient.str());
            const json answer = gateway.ask("mailbox.unlock_earlier",
                                            {{"earlier_password", earlier}, {"password", present}});
            REQUIRE_MESSAGE(answer.at("ok") == true, answer.value("error", ""));
            ++unlocked;
        }
    }
    REQUIRE((unlocked > 0) == (before.at("locked") > 0));
    const json after = gateway.ask("mailbox.show", {}).at("mailbox");
    REQUIRE(after.at("locked") == 0);
    REQUIRE(gateway.password() == present);
    const OpenKeys keys = openWithPassword(*gateway.mailbox(), crypto::Password(present));
    DirectoryStore store(gateway.layout());
    for (const Waiting& message : gateway.waiting()) {
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const crypto::OpenKey& each) {
            return each.sealKey() == message.drop.recipient;
        });
        REQUIRE(key != keys.end());
        REQUIRE(opened(store, message, *key) == message.text);
    }
}

}  // namespace two_nodes
