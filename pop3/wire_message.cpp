#include "pop3/wire_message.h"

namespace pop3 {

namespace {

/// What dots add to a piece of ordinary text, and its end.
constexpr std::size_t kDots = 512;

}  // namespace

bool WireMessage::next(std::string& wire) {
    m_plaintext.clear();
    const bool more = m_reader.next(m_plaintext);
    wire.reserve(wire.size() + m_plaintext.size() + kDots);
    const bool wanted = m_writer.push(m_plaintext, wire);
    if (wanted && more) {
        return true;
    }
    m_writer.finish(wire);
    return false;
}

}  // namespace pop3
