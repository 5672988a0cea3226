#include "smtp/data_reader.h"

namespace smtp {

bool DataReader::push(std::string_view& input, std::string& output) {
    while (!input.empty()) {
        switch (m_state) {
            case State::LineStart:
                if (m_form == Form::Dots && input.front() == '.') {
                    input.remove_prefix(1);
                    m_state = State::Dot;
                } else {
                    m_state = State::Text;
                }
                break;
            case State::Dot:
                // Whatever follows, the dot is no content: RFC 5321 4.5.2.
                m_state = input.front() == '\r' ? State::DotCr : State::Text;
                input.remove_prefix(m_state == State::DotCr ? 1 : 0);
                break;
            case State::DotCr:
                if (input.front() == '\n') {
                    input.remove_prefix(1);
                    return true;
                }
                output += '\r';
                ++m_size;
                m_state = State::Cr;
                break;
            case State::Text:
            case State::Cr:
                takeText(input, output);
                break;
        }
    }
    return false;
}

/// Takes whole lines, and the start of one, in as few appends as can be: only a bare LF and a line
/// that starts with a dot interrupt the run. CRs need no search, they are looked at from their LF.
void DataReader::takeText(std::string_view& input, std::string& output) {
    const auto take = [&](std::size_t octets) {
        output += input.substr(0, octets);
        m_size += octets;
        input.remove_prefix(octets);
    };
    bool afterCr = m_state == State::Cr;
    std::size_t lineStart = 0;
    for (;;) {
        const std::size_t lf = input.find('\n', lineStart);
        if (lf == std::string_view::npos) {
            m_state = input.back() == '\r' ? State::Cr : State::Text;
            take(input.size());
            return;
        }
        const bool real = lf > lineStart ? input[lf - 1] == '\r' : afterCr;
        if (!real) {
            take(lf);
            input.remove_prefix(1);
            ++m_size;
            output += "\r\n";
            // A dot behind a bare LF is content (SMTP smuggling).
            m_state = m_form == Form::Chunks ? State::LineStart : State::Text;
            return;
        }
        afterCr = false;
        lineStart = lf + 1;
        if (lineStart == input.size() || (m_form == Form::Dots && input[lineStart] == '.')) {
            m_state = State::LineStart;
            take(lineStart);
            return;
        }
    }
}

void DataReader::finish(std::string& output) {
    if (m_state != State::LineStart) {
        output += "\r\n";
        m_state = State::LineStart;
    }
}

}  // namespace smtp
