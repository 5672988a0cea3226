#include "tests/mail/histories.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "crypto/signature.h"

namespace histories {

namespace {

using namespace gateway;
using nlohmann::json;

constexpr std::size_t kRecipients = 5;
constexpr std::size_t kMostMachines = 5;

/// Fixed, for the order of nodes and keys decides who wins.
std::string base64Of(unsigned char octet) {
    static constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned int bits = octet;
    const std::string group{kDigits[bits >> 2U], kDigits[(bits << 4U | bits >> 4U) & 63U],
                            kDigits[(bits << 2U | bits >> 6U) & 63U], kDigits[bits & 63U]};
    std::string text;
    for (int i = 0; i < 10; ++i) {
        text += group;
    }
    return text + group.substr(0, 2) + kDigits[(octet & 15U) << 2U] + "=";
}

std::string recipient(std::size_t number) {
    std::array<std::byte, 32> octets{};
    octets.fill(static_cast<std::byte>(number * 29 + 7));
    return crypto::SealKey::fromOctets(octets).str();
}

/// What nodes can say, node by node and counter by counter.
class Pool {
public:
    Pool() {
        std::vector<crypto::SigningKey> signers;
        for (std::size_t who = 0; who < kNodes; ++who) {
            nodes.push_back(*NodeId::parse("n-" + std::string(32, "36c"[who])));
            signers.push_back(
                *crypto::SigningKey::parse(base64Of(static_cast<unsigned char>(who + 1))));
            keys.push_back(signers.back().verifyKey());
        }
        for (std::uint64_t counter = 1; counter <= kCounters; ++counter) {
            for (std::size_t who = 0; who < kNodes; ++who) {
                addAll(who, signers[who], counter);
            }
        }
    }

    std::vector<NodeId> nodes;
    std::vector<crypto::VerifyKey> keys;
    std::vector<Statement> first;
    std::vector<Statement> second;  ///< the same, signed otherwise

private:
    std::uint64_t below(std::uint64_t limit) { return m_random() % limit; }

    void addAll(std::size_t who, const crypto::SigningKey& signer, std::uint64_t counter) {
        const WallTime at = *parseTimestamp("2026-11-22T10:00:00Z") + std::chrono::hours(counter);
        NodeFile sorted(nodes[who], keys[who], "");
        for (std::size_t i = 0; i < kSayings; ++i) {
            const auto [kind, fields] = saying(i);
            sorted.add(Statement::make(mailbox(), nodes[who], signer, counter, at, kind, fields));
        }
        for (const Statement& statement : sorted.statements) {
            json again = statement.fields();
            again["signature"] = signer.sign("another " + std::to_string(first.size()));
            std::string why;
            first.push_back(statement);
            second.push_back(*Statement::parse(mailbox(), nodes[who], again, why));
        }
    }

    json chain(const std::string& some) {
        json links = json::array();
        for (auto left = 1 + below(2); left > 0; --left) {
            links.push_back({{"recipient", recipient(below(kRecipients))},
                             {"sealed", "s" + some + std::to_string(below(2))}});
        }
        return links;
    }

    json key(const std::string& some) {
        json fields{{"recipient", recipient(below(kRecipients))},
                    {"epoch", 1 + below(3)},
                    {"sealed_identity", "i" + some}};
        if (below(2) == 0) {
            fields["chain"] = chain(some);
        }
        if (below(2) == 0) {
            fields["sealed_for_recovery"] = "r" + some;
        }
        if (below(2) == 0) {
            fields["recovery"] = recipient(below(kRecipients));
        }
        return fields;
    }

    /// Keys and chains are what must not be lost: half of what is said. The number is in it, so
    /// that no two of a node and counter are the same.
    std::pair<std::string, json> saying(std::size_t number) {
        static constexpr std::array<const char*, 3> kStatus{"active", "suspended", "deleted"};
        const std::string some = std::to_string(number) + std::to_string(below(2));
        switch (number) {
            case 0:
                return {"created", {{"name", "c" + some}}};
            case 1:
            case 2:
                return {"describe", {{"name", "n" + some}, {"description", "d"}}};
            case 3:
            case 4:
                return {"status",
                        {{"status", kStatus.at(below(kStatus.size()))}, {"because", some}}};
            case 5:
                return {"allow", {{"originator_org", "o" + some}}};
            case 6:
                return {"alerts", {{"unfetched", some + "h"}}};
            case 7:
                return {"later", {{"x", some}}};
            case 8:
            case 9:
                return {"chain", {{"to", recipient(below(kRecipients))}, {"chain", chain(some)}}};
            default:
                return {"key", key(some)};
        }
    }

    std::mt19937_64 m_random{20261122};
};

/// Of the first of its sayings.
std::size_t placeOf(std::size_t who, std::uint64_t counter) {
    return ((counter - 1) * kNodes + who) * kSayings;
}

/// All that a node can say.
std::bitset<kPool> placesOf(std::size_t who) {
    std::bitset<kPool> places;
    for (std::uint64_t counter = 1; counter <= kCounters; ++counter) {
        for (std::size_t i = 0; i < kSayings; ++i) {
            places.set(placeOf(who, counter) + i);
        }
    }
    return places;
}

const Pool& pool() {
    static const Pool instance;
    return instance;
}

class History {
public:
    explicit History(std::uint64_t seed) : m_random(seed) {
        for (std::size_t who = 0; who < kNodes; ++who) {
            m_machines.emplace_back(who);
        }
    }

    std::vector<Machine> play() {
        for (auto left = 4 + below(14); left > 0; --left) {
            step(below(20));
        }
        std::move(m_backups.begin(), m_backups.end(), std::back_inserter(m_machines));
        return std::move(m_machines);
    }

private:
    std::uint64_t below(std::uint64_t limit) { return m_random() % limit; }
    Machine& any() { return m_machines[below(m_machines.size())]; }

    void step(std::uint64_t what) {
        if (what < 10) {
            say(any());
        } else if (what < 13) {
            any().unite(any());
        } else if (what < 15) {
            any().uniteFile(any(), below(kNodes));
        } else if (what < 17 || m_backups.empty()) {
            m_backups.push_back(any());
        } else if (what == 17) {
            any().unite(backup());
        } else if (what == 18) {
            // The whole machine goes back, and says other things under the counters it had used.
            Machine& machine = any();
            const Machine old = backup();
            machine.record = old.record;
            machine.said = old.said;
        } else if (m_machines.size() < kMostMachines) {
            Machine clone = any();
            m_machines.push_back(std::move(clone));
        }
    }

    const Machine& backup() { return m_backups[below(m_backups.size())]; }

    void say(Machine& machine) {
        const std::uint64_t counter = machine.greatestCounter() + 1;
        if (counter > kCounters) {
            return;
        }
        const std::size_t place = placeOf(machine.node, counter) + below(kSayings);
        const bool otherwise = below(20) == 0;
        NodeFile file(pool().nodes[machine.node], pool().keys[machine.node],
                      "name" + std::to_string(below(3)));
        file.add((otherwise ? pool().second : pool().first)[place]);
        machine.record.unite(file);
        (otherwise ? machine.said.second : machine.said.first).set(place);
    }

    std::mt19937_64 m_random;
    std::vector<Machine> m_machines;
    std::vector<Machine> m_backups;
};

}  // namespace

Set& Set::operator|=(const Set& other) {
    first |= other.first;
    second |= other.second;
    return *this;
}

Machine::Machine(std::size_t who) : node(who), record(mailbox()) {}

std::uint64_t Machine::greatestCounter() const {
    std::uint64_t greatest = 0;
    for (const auto& [key, file] : record.files()) {
        greatest = std::max(greatest, file.greatestCounter());
    }
    return greatest;
}

void Machine::unite(const Machine& other) {
    record.unite(other.record);
    said |= other.said;
}

void Machine::uniteFile(const Machine& other, std::size_t whose) {
    const auto file = other.record.files().find({pool().nodes[whose], pool().keys[whose]});
    if (file != other.record.files().end()) {
        record.unite(NodeFile(file->second));
    }
    static const std::array<std::bitset<kPool>, kNodes> kTheirs{placesOf(0), placesOf(1),
                                                                placesOf(2)};
    said.first |= other.said.first & kTheirs.at(whose);
    said.second |= other.said.second & kTheirs.at(whose);
}

std::vector<Machine> play(std::uint64_t seed) { return History(seed).play(); }

std::vector<const Statement*> statementsOf(const Set& said) {
    std::vector<const Statement*> result;
    for (std::size_t i = 0; i < kPool; ++i) {
        if (said.first[i] && said.second[i]) {
            const bool less =
                pool().second[i].fields()["signature"] < pool().first[i].fields()["signature"];
            result.push_back(less ? &pool().second[i] : &pool().first[i]);
        } else if (said.first[i] || said.second[i]) {
            result.push_back(said.first[i] ? &pool().first[i] : &pool().second[i]);
        }
    }
    return result;
}

const MailboxId& mailbox() {
    static const MailboxId id = *MailboxId::parse("mbx-0123456789abcdef0123456789abcdef");
    return id;
}

}  // namespace histories
