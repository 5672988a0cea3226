#include "pop3/maildrop.h"

namespace pop3 {

void OctetSum::add(std::uint64_t octets) {
    m_low += octets;
    m_carries += m_low < octets ? 1U : 0U;
}

void OctetSum::subtract(std::uint64_t octets) {
    m_carries -= m_low < octets ? 1U : 0U;
    m_low -= octets;
}

Maildrop::Maildrop(std::vector<Entry> entries)
    : m_entries(std::move(entries)), m_marks(m_entries.size(), false) {
    for (const Entry& entry : m_entries) {
        m_allOctets.add(entry.octets);
    }
    m_octets = m_allOctets;
}

std::optional<std::size_t> Maildrop::find(std::uint64_t number) const {
    if (number == 0 || number > m_entries.size() || m_marks[number - 1]) {
        return std::nullopt;
    }
    return number - 1;
}

void Maildrop::mark(std::size_t index) {
    if (!m_marks[index]) {
        m_marks[index] = true;
        ++m_markedCount;
        m_octets.subtract(m_entries[index].octets);
    }
}

void Maildrop::unmarkAll() {
    if (m_markedCount > 0) {
        m_marks.assign(m_entries.size(), false);
        m_markedCount = 0;
        m_octets = m_allOctets;
    }
}

std::vector<std::size_t> Maildrop::marked() const {
    std::vector<std::size_t> indexes;
    indexes.reserve(m_markedCount);
    for (std::size_t index = 0; index < m_marks.size(); ++index) {
        if (m_marks[index]) {
            indexes.push_back(index);
        }
    }
    return indexes;
}

}  // namespace pop3
