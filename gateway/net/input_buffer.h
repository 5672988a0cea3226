// What was read from a peer and not consumed yet. Never leaves a consumed octet behind: it may be a
// password.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

namespace gateway::net {

/// One thread at a time.
class InputBuffer {
public:
    explicit InputBuffer(std::size_t size) : m_octets(make(size)), m_size(size) {}
    ~InputBuffer() { ::explicit_bzero(m_octets.get() + m_begin, m_end - m_begin); }
    InputBuffer(const InputBuffer&) = delete;
    InputBuffer& operator=(const InputBuffer&) = delete;

    /// What is held.
    std::string_view text() const { return {m_octets.get() + m_begin, m_end - m_begin}; }
    std::size_t size() const { return m_size; }

    /// Wipes the first octets of what is held.
    void consume(std::size_t octets) {
        octets = std::min(octets, m_end - m_begin);
        ::explicit_bzero(m_octets.get() + m_begin, octets);
        m_begin += octets;
        if (m_begin == m_end) {
            m_begin = m_end = 0;
        }
    }

    /// Room behind what is held; add() says how much of it was filled.
    std::span<char> room() { return {m_octets.get() + m_end, m_size - m_end}; }
    void add(std::size_t octets) { m_end += octets; }
    /// Moves what is held to the beginning, so that all the room is behind it.
    void compact() { moveTo(m_octets.get()); }

    /// What is held stays, also where `size` would be too small for it.
    void resize(std::size_t size) {
        size = std::max(size, m_end - m_begin);
        auto octets = make(size);
        moveTo(octets.get());
        m_octets = std::move(octets);
        m_size = size;
    }

private:
    // Not zeroed: only what was read is ever looked at.
    static std::unique_ptr<char[]> make(std::size_t size) {
        return std::make_unique_for_overwrite<char[]>(size);
    }

    void moveTo(char* target) {
        char* const source = m_octets.get() + m_begin;
        const std::size_t held = m_end - m_begin;
        if (target != source) {
            std::memmove(target, source, held);
            // What was moved within one buffer may overlap its new place.
            char* const left = target == m_octets.get() ? std::max(source, target + held) : source;
            ::explicit_bzero(left, static_cast<std::size_t>(source + held - left));
        }
        m_begin = 0;
        m_end = held;
    }

    std::unique_ptr<char[]> m_octets;
    std::size_t m_size;
    std::size_t m_begin = 0;
    std::size_t m_end = 0;
};

}  // namespace gateway::net
