// How much plaintext all messages in flight may hold together (`smtp.message_memory`).
// Never makes anybody wait: a message that finds the memory used up gives its own part to the store
// at once, and is not read from until that is done. So a slow client cannot keep others out.
#pragma once

#include <cstddef>
#include <cstdint>

namespace smtp {

/// Belongs to the I/O thread.
class MessageMemory {
public:
    explicit MessageMemory(std::uint64_t limit) : m_limit(limit) {}

    bool exhausted() const { return m_used >= m_limit; }

    /// One message's part; given back when it goes.
    class Part {
    public:
        explicit Part(MessageMemory& memory) : m_memory(memory) {}
        ~Part() { resize(0); }
        Part(const Part&) = delete;
        Part& operator=(const Part&) = delete;
        void resize(std::size_t octets) {
            m_memory.m_used = m_memory.m_used - m_octets + octets;
            m_octets = octets;
        }

    private:
        MessageMemory& m_memory;
        std::size_t m_octets = 0;
    };

private:
    std::uint64_t m_limit;
    std::uint64_t m_used = 0;
};

}  // namespace smtp
