// The maildrop as one session sees it: RFC 1939 sections 4, 5 and 11.
// Numbers, sizes and deletion marks are fixed at login; never opens or removes a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/mail/message_id.h"

namespace pop3 {

/// A message as the session shows it: RFC 1939 section 7 UIDL, section 11 sizes.
struct Entry {
    Entry(gateway::MessageId messageId, std::uint64_t retrSize)
        : id(std::move(messageId)), octets(retrSize) {}
    gateway::MessageId id;
    std::uint64_t octets;  ///< exactly what RETR sends, before dot-stuffing
};

/// A sum of sizes that stays exact beyond 2^64 while sizes come and go.
class OctetSum {
public:
    void add(std::uint64_t octets);
    void subtract(std::uint64_t octets);
    /// 2^64 - 1 where it is more.
    std::uint64_t value() const { return m_carries == 0 ? m_low : UINT64_MAX; }

private:
    std::uint64_t m_low = 0;
    std::uint64_t m_carries = 0;
};

/// Every question but marked(), unmarkAll() and the constructor is O(1), because a client may
/// pipeline any number of them.
class Maildrop {
public:
    Maildrop() = default;
    /// `entries` in order of arrival become the messages 1…n.
    explicit Maildrop(std::vector<Entry> entries);

    /// Messages and octets without those that are marked.
    std::size_t count() const { return m_entries.size() - m_markedCount; }
    std::uint64_t octets() const { return m_octets.value(); }

    /// The index (from 0) of message `number`; nothing where there is none or it is marked.
    std::optional<std::size_t> find(std::uint64_t number) const;
    /// All messages, marked ones included.
    const std::vector<Entry>& entries() const { return m_entries; }

    bool isMarked(std::size_t index) const { return m_marks[index]; }
    void mark(std::size_t index);
    void unmarkAll();
    /// In order.
    std::vector<std::size_t> marked() const;

private:
    std::vector<Entry> m_entries;
    std::vector<bool> m_marks;
    std::size_t m_markedCount = 0;
    OctetSum m_octets;
    OctetSum m_allOctets;
};

}  // namespace pop3
