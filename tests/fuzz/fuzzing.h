// What every fuzz target is made of: one input, taken apart, and claims about what the code does
// with it. Never random: the same input does the same, in the fuzzer and when `make test` replays
// it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace fuzz {

/// Each target defines this one: takes any octets, claims what must be true.
void run(std::string_view input);

/// Ends the process where `truth` is false, in every kind of build; a fuzzer then keeps the input.
inline void claim(bool truth, const char* what) {
    if (!truth) {
        std::fprintf(stderr, "not true: %s\n", what);
        std::abort();
    }
}

/// The input from its front; empty and 0 where it has ended.
class Portions {
public:
    explicit Portions(std::string_view input) : m_left(input) {}

    std::uint8_t octet() {
        const std::string_view one = take(1);
        return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one.front());
    }
    /// Two octets, the greater first.
    std::size_t number() {
        const std::size_t high = octet();
        return high * 256U + octet();
    }
    std::string_view take(std::size_t octets) {
        const std::string_view taken = m_left.substr(0, octets);
        m_left.remove_prefix(taken.size());
        return taken;
    }
    std::string_view rest() const { return m_left; }
    bool empty() const { return m_left.empty(); }

private:
    std::string_view m_left;
};

/// A text in one piece, where others take a Splitter.
class Whole {
public:
    explicit Whole(std::string_view text) : m_left(text) {}
    bool empty() const { return m_left.empty(); }
    std::string_view next() { return std::exchange(m_left, {}); }

private:
    std::string_view m_left;
};

/// Cuts a text into pieces of 1 to 32 octets, in a way that `seed` decides.
class Splitter {
public:
    Splitter(std::string_view text, std::uint8_t seed) : m_left(text), m_state(seed + 1U) {}

    bool empty() const { return m_left.empty(); }
    std::string_view next() {
        m_state = m_state * 1103515245U + 12345U;
        const std::size_t wanted = (m_state >> 16U) % (m_state & 0x40000000U ? 32U : 3U) + 1U;
        const std::string_view piece = m_left.substr(0, wanted);
        m_left.remove_prefix(piece.size());
        return piece;
    }

private:
    std::string_view m_left;
    std::uint32_t m_state;
};

/// Every line ends by CRLF, and holds nothing but printable ASCII.
inline bool isPrintableLines(std::string_view text) {
    while (!text.empty()) {
        const std::size_t end = text.find("\r\n");
        if (end == std::string_view::npos ||
            !std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end),
                         [](char c) { return c >= ' ' && c <= '~'; })) {
            return false;
        }
        text.remove_prefix(end + 2);
    }
    return true;
}

}  // namespace fuzz
