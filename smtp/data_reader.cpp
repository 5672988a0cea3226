#include "smtp/data_reader.h"

namespace smtp {

bool DataReader::push(std::string_view& input, std::string& output) {
    while (!input.empty()) {
        if (m_state == State::Text || m_state == State::Cr) {
            takeText(input, output);
        } else if (takeLineStart(input, output)) {
            return true;
        }
    }
    return false;
}

/// True at the end of data.
bool DataReader::takeLineStart(std::string_view& input, std::string& output) {
    const char next = input.front();
    if (m_state == State::LineStart) {
        const bool dot = m_form == Form::Dots && next == '.';
        m_state = dot ? State::Dot : State::Text;
        input.remove_prefix(dot ? 1 : 0);
        return false;
    }
    if (m_state == State::Dot) {
        // Whatever follows, the dot is no content: RFC 5321 4.5.2.
        m_state = next == '\r' ? State::DotCr : State::Text;
        input.remove_prefix(next == '\r' ? 1 : 0);
        return false;
    }
    if (next == '\n') {
        input.remove_prefix(1);
        return true;
    }
    output += '\r';
    ++m_size;
    m_state = State::Text;
    return false;
}

void DataReader::takeText(std::string_view& input, std::string& output) {
    const Run run = nextRun(input);
    output += input.substr(0, run.octets);
    input.remove_prefix(run.octets);
    m_size += run.octets;
    m_state = run.next;
    if (run.bareLf) {
        output += "\r\n";
        input.remove_prefix(1);
        ++m_size;
    }
}

bool DataReader::followsCr(std::string_view input, std::size_t lf) const {
    return lf > 0 ? input[lf - 1] == '\r' : m_state == State::Cr;
}

/// Only a bare LF and a line that starts with a dot interrupt a run, so that as few appends are
/// made as can be. CRs need no search of their own: they are looked at from their LF.
DataReader::Run DataReader::nextRun(std::string_view input) const {
    for (std::size_t lineStart = 0;;) {
        const std::size_t lf = input.find('\n', lineStart);
        if (lf == std::string_view::npos) {
            return {input.size(), input.back() == '\r' ? State::Cr : State::Text, false};
        }
        if (!followsCr(input, lf)) {
            // A dot behind a bare LF is content (SMTP smuggling).
            return {lf, m_form == Form::Chunks ? State::LineStart : State::Text, true};
        }
        lineStart = lf + 1;
        if (lineStart == input.size() || (m_form == Form::Dots && input[lineStart] == '.')) {
            return {lineStart, State::LineStart, false};
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
