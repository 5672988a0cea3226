// A record is a set, and the state depends on the set only; union_test.cpp unites what many said.
#include "gateway/mail/record.h"

#include <random>

#include <doctest/doctest.h>

using namespace gateway;
using nlohmann::json;

namespace {

const MailboxId kMailbox = *MailboxId::parse("mbx-0123456789abcdef0123456789abcdef");
const WallTime kTime = *parseTimestamp("2026-11-22T10:00:00Z");

/// Three nodes and five keys, made once: what counts here is what is said, not who can sign.
struct World {
    World() {
        for (int i = 0; i < 3; ++i) {
            nodes.push_back(NodeId::generate());
            signers.push_back(crypto::SigningKey::generate());
        }
        for (int i = 0; i < 5; ++i) {
            recipients.push_back(crypto::OpenKey::generate().sealKey().str());
        }
    }
    std::vector<NodeId> nodes;
    std::vector<crypto::SigningKey> signers;
    std::vector<std::string> recipients;
};

const World& world() {
    static const World instance;
    return instance;
}

class History {
public:
    explicit History(unsigned seed) : m_random(seed) {}

    std::uint64_t below(std::uint64_t limit) { return m_random() % limit; }

    const std::string& recipient() { return world().recipients[below(5)]; }

    json keyFields(const std::string& some, const json& chain) {
        json fields{{"recipient", recipient()},
                    {"epoch", 1 + below(3)},
                    {"sealed_identity", "i" + some},
                    {"sealed_for_recovery", below(2) == 0 ? "" : "r" + some},
                    {"chain", below(2) == 0 ? chain : json::array()}};
        if (below(2) == 0) {
            fields["recovery"] = recipient();
        }
        return fields;
    }

    std::pair<std::string, json> saying() {
        const std::string some = std::to_string(below(4));
        const json chain{{{"recipient", recipient()}, {"sealed", "s" + some}}};
        switch (below(7)) {
            case 0:
                return {"created", {{"name", "c" + some}}};
            case 1:
                return {"describe", {{"name", "n" + some}, {"description", "d"}}};
            case 2:
                return {"status", {{"status", below(2) == 0 ? "active" : "deleted"}}};
            case 3:
                return {"key", keyFields(some, chain)};
            case 4:
                return {"chain", {{"to", recipient()}, {"chain", chain}}};
            case 5:
                return {"allow", {{"originator_org", "o" + some}}};
            default:
                return {"later", {{"x", some}}};
        }
    }

    /// Something a node may have said; few counters, so that cloned machines use one twice.
    Statement statement(std::size_t who) {
        const auto [kind, fields] = saying();
        return Statement::make(kMailbox, world().nodes[who], world().signers[who], 1 + below(6),
                               kTime, kind, fields);
    }

    /// What one node's file may say.
    NodeFile file() {
        const std::size_t who = below(3);
        NodeFile file(world().nodes[who], world().signers[who].verifyKey(),
                      "name" + std::to_string(below(3)));
        for (auto left = below(5); left > 0; --left) {
            file.add(pool(who)[below(kPool)]);
        }
        return file;
    }

    Record record() {
        Record record(kMailbox);
        for (auto left = below(4); left > 0; --left) {
            record.unite(file());
        }
        return record;
    }

private:
    static constexpr std::size_t kPool = 150;

    /// Signing is slow, and what is said most of the time the same.
    static const std::vector<Statement>& pool(std::size_t who) {
        static const std::vector<std::vector<Statement>> pools = [] {
            History history(20261122);
            std::vector<std::vector<Statement>> made(3);
            for (std::size_t node = 0; node < made.size(); ++node) {
                for (std::size_t i = 0; i < kPool; ++i) {
                    made[node].push_back(history.statement(node));
                }
            }
            return made;
        }();
        return pools[who];
    }

    std::mt19937_64 m_random;
};

std::string textOf(const Mailbox& mailbox) {
    json keys = json::array();
    for (const MailboxKey& key : mailbox.keys) {
        json chain = json::array();
        for (const ChainLink& link : key.chain) {
            chain.push_back({link.recipient.str(), link.sealed});
        }
        json recovery = json::array();
        for (const RecoverySeal& seal : key.recoverySeals) {
            recovery.push_back({seal.recipient ? seal.recipient->str() : "", seal.sealed});
        }
        keys.push_back({key.recipient.str(), key.epoch, key.sealedIdentity, recovery,
                        formatTimestamp(key.at), chain});
    }
    return json{{"name", mailbox.name},
                {"description", mailbox.description},
                {"status", static_cast<int>(mailbox.status)},
                {"created", formatTimestamp(mailbox.created)},
                {"allow", mailbox.allowStated},
                {"keys", keys},
                {"counter", mailbox.greatestCounter}}
        .dump();
}

/// The whole record, and the state folded from it.
std::string textOf(const Record& record) {
    std::string text;
    for (const auto& [key, file] : record.files()) {
        text += file.node.str() + file.nodeKey.str() + file.nodeName;
        for (const Statement& statement : file.statements) {
            text += statement.canonical() + statement.fields().at("signature").get<std::string>();
        }
    }
    return text + textOf(record.fold());
}

}  // namespace

TEST_CASE("a record survives the way through its files") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        const Record record = History(seed).record();
        Record back(kMailbox);
        for (const auto& [key, file] : record.files()) {
            std::string why;
            const auto read = Record::fromToml(kMailbox, Record::toToml(kMailbox, file), why);
            REQUIRE(read);
            REQUIRE(why.empty());
            back.unite(*read);
        }
        REQUIRE(textOf(back) == textOf(record));
    }
}

namespace {

/// A record by one node, statement by statement.
class Sayings {
public:
    void say(std::uint64_t counter, const std::string& kind, const json& fields,
             std::size_t who = 0) {
        NodeFile file(world().nodes[who], world().signers[who].verifyKey(), "n");
        file.add(Statement::make(kMailbox, file.node, world().signers[who], counter, kTime, kind,
                                 fields));
        record.unite(file);
    }
    void key(std::uint64_t counter, std::size_t recipient, int epoch, const std::string& sealed,
             std::size_t who = 0) {
        say(counter, "key",
            {{"recipient", world().recipients[recipient]},
             {"epoch", epoch},
             {"sealed_identity", sealed}},
            who);
    }
    Record record{kMailbox};
};

}  // namespace

TEST_CASE("of each kind the greatest counter counts, then the greater node, then the text") {
    Sayings sayings;
    sayings.say(5, "describe", {{"name", "five"}, {"description", ""}}, 0);
    sayings.say(4, "describe", {{"name", "four"}, {"description", ""}}, 1);
    sayings.say(9, "status", {{"status", "suspended"}}, 1);
    CHECK(sayings.record.fold().name == "five");
    CHECK(sayings.record.fold().status == MailboxStatus::Suspended);
    CHECK(sayings.record.fold().greatestCounter == 9);
    sayings.say(5, "describe", {{"name", "one"}, {"description", ""}}, 1);
    CHECK(sayings.record.fold().name == (world().nodes[1] > world().nodes[0] ? "one" : "five"));
    sayings.say(6, "describe", {{"name", "b"}, {"description", ""}}, 0);
    sayings.say(6, "describe", {{"name", "a"}, {"description", ""}}, 0);
    CHECK(sayings.record.fold().name == "b");
}

TEST_CASE("keys and chains only add up; the greatest epoch is the current key") {
    Sayings sayings;
    CHECK(sayings.record.fold().current() == nullptr);
    sayings.key(9, 0, 1, "first");
    sayings.key(2, 1, 2, "second");
    CHECK(sayings.record.fold().current()->recipient.str() == world().recipients[1]);
    CHECK(sayings.record.fold().keys.size() == 2);
    sayings.key(3, 2, 2, "third", 1);
    CHECK(sayings.record.fold().current()->recipient.str() ==
          std::max(world().recipients[1], world().recipients[2]));
    sayings.say(10, "chain",
                {{"to", world().recipients[1]},
                 {"chain", {{{"recipient", world().recipients[0]}, {"sealed", "x"}}}}});
    sayings.say(11, "chain",
                {{"to", world().recipients[4]},
                 {"chain", {{{"recipient", world().recipients[0]}, {"sealed", "x"}}}}});
    const Mailbox state = sayings.record.fold();
    CHECK(state.keys.size() == 3);
    for (const MailboxKey& key : state.keys) {
        const bool chained = key.recipient.str() == world().recipients[1];
        CHECK(key.chain.size() == (chained ? 1 : 0));
    }
}

TEST_CASE("a key stated again keeps its epoch and takes the later seals") {
    Sayings sayings;
    sayings.key(5, 0, 3, "old");
    sayings.say(6, "key",
                {{"recipient", world().recipients[0]},
                 {"epoch", 1},
                 {"sealed_identity", "new"},
                 {"sealed_for_recovery", "r"},
                 {"recovery", world().recipients[1]}});
    sayings.say(8, "key",
                {{"recipient", world().recipients[0]},
                 {"epoch", 1},
                 {"sealed_identity", "newest"},
                 {"sealed_for_recovery", "s"},
                 {"recovery", world().recipients[2]}});
    sayings.key(7, 0, 1, "newest");
    const Mailbox state = sayings.record.fold();
    REQUIRE(state.keys.size() == 1);
    CHECK(state.keys[0].epoch == 3);
    CHECK(state.keys[0].sealedIdentity == "newest");
    // The seals for recovery add up: two nodes may name two recovery keys.
    CHECK(state.keys[0].recoverySeals.size() == 2);
    CHECK(state.keys[0].sealedFor(*crypto::SealKey::parse(world().recipients[1])));
    CHECK(state.keys[0].sealedFor(*crypto::SealKey::parse(world().recipients[2])));
    CHECK_FALSE(state.keys[0].sealedFor(*crypto::SealKey::parse(world().recipients[3])));
}

TEST_CASE("folding by trust leaves out strangers and bad signatures, and counts them") {
    Sayings sayings;
    sayings.say(1, "describe", {{"name", "ours"}, {"description", ""}}, 0);
    sayings.say(2, "describe", {{"name", "theirs"}, {"description", ""}}, 1);
    NodeFile forged(world().nodes[0], world().signers[0].verifyKey(), "n");
    forged.add(Statement::make(kMailbox, forged.node, world().signers[1], 3, kTime, "describe",
                               {{"name", "forged"}, {"description", ""}}));
    sayings.record.unite(forged);
    const Mailbox state = sayings.record.fold(
        [](const NodeId& node, const crypto::VerifyKey&) { return node == world().nodes[0]; });
    CHECK(state.name == "ours");
    CHECK(state.heldBack == 2);
    CHECK(state.greatestCounter == 1);
}
