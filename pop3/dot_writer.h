// A stored message turned into a multi-line POP3 response: RFC 1939 section 3.
// Stuffs a dot before every line that begins with one, and ends with CRLF "." CRLF. Never changes
// or drops an octet of the message.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pop3 {

/// Any split of the input gives the same output. Lines end at CRLF; a bare CR or LF is content.
class DotWriter {
public:
    /// `lines`: for TOP, how many lines of the body follow the header and the blank line.
    explicit DotWriter(std::optional<std::uint64_t> lines = std::nullopt) : m_bodyLines(lines) {}

    /// Appends the wire form of `stored` to `out`. False once nothing more is wanted (TOP).
    bool push(std::string_view stored, std::string& out);
    /// The message ended: adds a missing final CRLF, and the final dot.
    void finish(std::string& out);

private:
    void onLineFeed();

    std::optional<std::uint64_t> m_bodyLines;  ///< TOP: still wanted
    bool m_lineStart = true;                   ///< the next octet is the first of a line
    bool m_onlyCr = false;                     ///< where m_lastCr: that CR is all of the line
    bool m_lastCr = false;
    bool m_inBody = false;
    bool m_done = false;
};

}  // namespace pop3
