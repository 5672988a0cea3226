// How much plaintext all messages in flight may hold together (`smtp.message_memory`).
// Never makes anybody wait: a message that finds the memory used up gives its own part to the store
// at once, and is not read from until that is done. So a slow client cannot keep others out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace smtp {

/// Belongs to the I/O thread but for Left.
class MessageMemory {
public:
    explicit MessageMemory(std::uint64_t limit) : m_limit(limit) {}

    bool exhausted() const { return m_used + *m_left >= m_limit; }

    /// Whether a disk that does not answer holds so much that what comes must be put off.
    bool heldByDisk() const { return *m_left >= m_limit / 2; }

    /// What a message that was given up has left to a worker, until the worker is done with it. Any
    /// thread; may outlive the memory.
    class Left {
    public:
        Left(MessageMemory& memory, std::size_t octets) : m_left(memory.m_left), m_octets(octets) {
            *m_left += m_octets;
        }
        ~Left() { *m_left -= m_octets; }
        Left(const Left&) = delete;
        Left& operator=(const Left&) = delete;

    private:
        std::shared_ptr<std::atomic<std::uint64_t>> m_left;
        std::size_t m_octets;
    };

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
    std::shared_ptr<std::atomic<std::uint64_t>> m_left =
        std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace smtp
