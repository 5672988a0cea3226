#include "pop3/dot_writer.h"

namespace pop3 {

// Goes from line feed to line feed and copies whole runs: only a dot to stuff ends a run.
bool DotWriter::push(std::string_view stored, std::string& out) {
    std::size_t copied = 0;
    std::size_t at = 0;
    while (at < stored.size() && !m_done) {
        if (m_lineStart && stored[at] == '.') {
            out.append(stored.substr(copied, at - copied));
            out += '.';
            copied = at;
        }
        const std::size_t lineFeed = stored.find('\n', at);
        const std::string_view piece = stored.substr(at, lineFeed - at);
        at += piece.size();
        if (!piece.empty()) {
            m_onlyCr = m_lineStart && piece == "\r";
            m_lastCr = piece.back() == '\r';
            m_lineStart = false;
        }
        if (lineFeed != std::string_view::npos) {
            onLineFeed();
            ++at;
        }
    }
    out.append(stored.substr(copied, at - copied));
    return !m_done;
}

void DotWriter::finish(std::string& out) { out += m_lineStart ? ".\r\n" : "\r\n.\r\n"; }

void DotWriter::onLineFeed() {
    const bool lineEnds = m_lastCr;
    const bool blank = m_onlyCr;
    m_lineStart = lineEnds;
    m_lastCr = false;
    if (!lineEnds || !m_bodyLines) {
        return;
    }
    if (m_inBody) {
        --*m_bodyLines;
    } else {
        m_inBody = blank;  // RFC 1939 section 7, TOP: the blank line separates header and body
    }
    m_done = m_inBody && *m_bodyLines == 0;
}

}  // namespace pop3
