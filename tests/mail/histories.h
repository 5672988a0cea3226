// Random histories of one mailbox on three nodes: machines that say something, are copied from,
// cloned, rolled back, and given old backups. All of it follows from a seed. Signing is slow, so
// what can be said is signed once, and drawn from.
#pragma once

#include <bitset>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "gateway/mail/record.h"

namespace histories {

inline constexpr std::size_t kNodes = 3;
inline constexpr std::uint64_t kCounters = 12;
inline constexpr std::size_t kSayings = 14;  ///< of one node under one counter
inline constexpr std::size_t kPool = kNodes * kCounters * kSayings;

/// Statements by their place in the pool, told by signature too: only who has a node's key can sign
/// the same statement twice, but he can.
struct Set {
    std::bitset<kPool> first;
    std::bitset<kPool> second;
    Set& operator|=(const Set& other);
    bool operator==(const Set&) const = default;
};

/// A record, and the set of statements that must be in it.
class Machine {
public:
    explicit Machine(std::size_t who);
    std::size_t node;
    gateway::Record record;
    Set said;

    /// The greatest counter it has seen, as a node reckons it.
    std::uint64_t greatestCounter() const;
    void unite(const Machine& other);
    /// Takes over what one node's file says.
    void uniteFile(const Machine& other, std::size_t whose);
};

/// Everybody who holds something at the end: machines and backups.
std::vector<Machine> play(std::uint64_t seed);

/// The statements in order of (counter, node, canonical form), each with the signature that a union
/// of both keeps: the lesser.
std::vector<const gateway::Statement*> statementsOf(const Set& said);

const gateway::MailboxId& mailbox();

}  // namespace histories
