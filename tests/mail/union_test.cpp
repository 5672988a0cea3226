// A record is a set of statements: whatever three nodes, their clones and restored backups have
// said, united in any order it is the same set and the same state, and nothing in it is ever lost.
// 100,000 random histories, and more for as long as DURATION (seconds) lasts; SEED repeats one.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>

#include <doctest/doctest.h>

#include "tests/mail/histories.h"

using namespace gateway;
using histories::Machine;
using histories::Set;
using nlohmann::json;

namespace {

using Random = std::mt19937_64;

bool sameSignature(const Statement& left, const Statement& right) {
    return left.fields()["signature"] == right.fields()["signature"];
}

/// The same statements under the same signatures in the same order, and the same names.
bool same(const Record& left, const Record& right) {
    const auto sameFile = [](const auto& a, const auto& b) {
        const NodeFile& one = a.second;
        const NodeFile& two = b.second;
        return a.first == b.first && one.nodeName == two.nodeName &&
               std::equal(one.statements.begin(), one.statements.end(), two.statements.begin(),
                          two.statements.end(), [](const Statement& s, const Statement& t) {
                              return s == t && sameSignature(s, t);
                          });
    };
    return left.files().size() == right.files().size() &&
           std::equal(left.files().begin(), left.files().end(), right.files().begin(), sameFile);
}

Record united(const Record& left, const Record& right) {
    Record result = left;
    result.unite(right);
    return result;
}

/// From the left, in an order of its own.
Record inARow(std::vector<const Machine*> all, Random& random) {
    std::shuffle(all.begin(), all.end(), random);
    Record result = all.front()->record;
    for (const Machine* each : all) {
        result.unite(each->record);
    }
    return result;
}

/// Pair by pair, as nodes do that copy from one another.
Record inPairs(const std::vector<const Machine*>& all, Random& random) {
    std::vector<Record> left;
    for (const Machine* each : all) {
        left.push_back(each->record);
    }
    while (left.size() > 1) {
        std::swap(left[random() % left.size()], left.back());
        Record last = std::move(left.back());
        left.pop_back();
        Record& other = left[random() % left.size()];
        if (random() % 2 == 0) {
            std::swap(other, last);
        }
        other.unite(last);
    }
    return left.front();
}

/// Whether the record holds exactly these statements, each under the signature a union keeps.
bool isExactly(const Record& record, const std::vector<const Statement*>& expected) {
    std::size_t total = 0;
    for (const auto& [key, file] : record.files()) {
        auto next = file.statements.begin();
        for (const Statement* statement : expected) {
            if (statement->node() == file.node) {
                if (next == file.statements.end() || !(*next == *statement) ||
                    !sameSignature(*next, *statement)) {
                    return false;
                }
                ++next;
            }
        }
        if (next != file.statements.end()) {
            return false;
        }
        total += file.statements.size();
    }
    return total == expected.size();
}

/// The state by the plainest reading of the rules: everything is told once more from the least
/// (counter, node, text) to the greatest; what replaces replaces, what adds up adds up.
class Retold {
public:
    explicit Retold(const std::vector<const Statement*>& statements) {
        for (const Statement* statement : statements) {
            tell(statement->kind(), statement->fields(), statement->at());
        }
    }

    void expectIn(const Mailbox& mailbox) const {
        CHECK(mailbox.name == (m_described ? m_name : m_firstName));
        CHECK(mailbox.description == m_description);
        CHECK(mailbox.status == m_status);
        CHECK(mailbox.created == m_created);
        CHECK(mailbox.allow.originatorOrg == m_organisation);
        CHECK(mailbox.alerts.value("unfetched", "") == m_unfetched);
        CHECK(mailbox.greatestCounter == m_counter);
        std::size_t keys = 0;
        for (const auto& [recipient, expected] : m_keys) {
            keys += expected.stated ? 1 : 0;
        }
        REQUIRE(mailbox.keys.size() == keys);
        for (const MailboxKey& key : mailbox.keys) {
            expectKey(key, m_keys.at(key.recipient.str()));
        }
        const bool sorted = std::is_sorted(mailbox.keys.begin(), mailbox.keys.end(),
                                           [](const MailboxKey& a, const MailboxKey& b) {
                                               return std::pair(a.epoch, a.recipient.str()) <
                                                      std::pair(b.epoch, b.recipient.str());
                                           });
        CHECK(sorted);
    }

private:
    using Pairs = std::set<std::pair<std::string, std::string>>;
    struct Key {
        bool stated = false;
        std::uint64_t epoch = 0;
        std::string sealed;
        Pairs recovery;
        Pairs chain;
    };

    static void expectKey(const MailboxKey& key, const Key& expected) {
        CHECK(key.epoch == expected.epoch);
        CHECK(key.sealedIdentity == expected.sealed);
        Pairs recovery;
        for (const RecoverySeal& seal : key.recoverySeals) {
            recovery.emplace(seal.recipient ? seal.recipient->str() : "", seal.sealed);
        }
        CHECK(recovery == expected.recovery);
        Pairs chain;
        for (const ChainLink& link : key.chain) {
            chain.emplace(link.recipient.str(), link.sealed);
        }
        CHECK(chain == expected.chain);
        CHECK(key.chain.size() == expected.chain.size());
    }

    void tell(StatementKind kind, const json& fields, WallTime at) {
        m_counter = std::max(m_counter, fields["counter"].get<std::uint64_t>());
        switch (kind) {
            case StatementKind::Created:
                m_created = at;
                m_firstName = fields["name"];
                return;
            case StatementKind::Describe:
                m_described = true;
                m_name = fields["name"];
                m_description = fields["description"];
                return;
            case StatementKind::Status:
                m_status = fields["status"] == "active"      ? MailboxStatus::Active
                           : fields["status"] == "suspended" ? MailboxStatus::Suspended
                                                             : MailboxStatus::Deleted;
                return;
            case StatementKind::Allow:
                m_organisation = fields["originator_org"];
                return;
            case StatementKind::Alerts:
                m_unfetched = fields["unfetched"];
                return;
            case StatementKind::Key:
                return tellKey(m_keys[fields["recipient"]], fields);
            case StatementKind::Chain:
                return link(m_keys[fields["to"]], fields);
            case StatementKind::Acknowledge:  // nobody says it here
            case StatementKind::Other:
                return;
        }
    }

    static void tellKey(Key& key, const json& fields) {
        key.stated = true;
        key.epoch = std::max(key.epoch, fields["epoch"].get<std::uint64_t>());
        key.sealed = fields["sealed_identity"];
        if (fields.contains("sealed_for_recovery")) {
            key.recovery.emplace(fields.value("recovery", ""), fields["sealed_for_recovery"]);
        }
        if (fields.contains("chain")) {
            link(key, fields);
        }
    }

    static void link(Key& key, const json& fields) {
        for (const json& each : fields["chain"]) {
            key.chain.emplace(each["recipient"], each["sealed"]);
        }
    }

    bool m_described = false;
    std::string m_name;
    std::string m_firstName;
    std::string m_description;
    MailboxStatus m_status = MailboxStatus::Active;
    WallTime m_created;
    std::string m_organisation;
    std::string m_unfetched;
    std::uint64_t m_counter = 0;
    std::map<std::string, Key> m_keys;
};

/// Plays one history and unites it in many ways. Returns how many statements were made in it.
std::size_t examine(std::uint64_t seed) {
    const std::vector<Machine> holders = histories::play(seed);
    Random random(seed);
    std::vector<const Machine*> all;
    Set said;
    for (const Machine& holder : holders) {
        all.push_back(&holder);
        said |= holder.said;
        REQUIRE(isExactly(holder.record, histories::statementsOf(holder.said)));
    }
    const Record& a = all[random() % all.size()]->record;
    const Record& b = all[random() % all.size()]->record;
    const Record& c = all[random() % all.size()]->record;
    Record ab = united(a, b);
    REQUIRE(same(ab, united(b, a)));
    ab.unite(c);
    REQUIRE(same(ab, united(a, united(b, c))));

    Record whole = inARow(all, random);
    REQUIRE(same(whole, inPairs(all, random)));
    REQUIRE_FALSE(whole.unite(a));
    REQUIRE_FALSE(whole.unite(whole));
    const auto expected = histories::statementsOf(said);
    REQUIRE(isExactly(whole, expected));
    Retold(expected).expectIn(whole.fold());
    return expected.size();
}

}  // namespace

TEST_CASE("uniting is commutative, associative, idempotent and loses nothing, whatever was said") {
    constexpr std::uint64_t kHistories = 100'000;
    const char* const given = std::getenv("SEED");
    const char* const duration = std::getenv("DURATION");
    const std::uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
    const auto end = std::chrono::steady_clock::now() +
                     std::chrono::seconds(duration != nullptr ? std::atoi(duration) : 0);
    std::uint64_t count = 0;
    std::size_t statements = 0;
    while (count < (given != nullptr ? 1 : kHistories) || std::chrono::steady_clock::now() < end) {
        const std::uint64_t seed = first + count++;
        CAPTURE(seed);
        statements += examine(seed);
    }
    std::printf("figure: %llu histories united, %zu statements, from seed %llu\n",
                static_cast<unsigned long long>(count), statements,
                static_cast<unsigned long long>(first));
}
