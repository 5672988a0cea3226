// The message as it comes over the wire, turned into what is stored (and what RETR will send).
// DATA: ends at a line that holds only a dot between CRLFs received as such, and at nothing else
// (RFC 5321 4.1.1.4, 4.5.2): no SMTP smuggling. BDAT: no dots, no end of its own (RFC 3030).
// Both: a bare LF becomes CRLF, a missing final CRLF is added, everything else is kept byte for
// byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace smtp {

/// Any split of the input gives the same output. Linear time, no memory of its own.
class DataReader {
public:
    enum class Form { Dots, Chunks };

    explicit DataReader(Form form) : m_form(form) {}

    /// Takes octets from `input` (removing them) until the end of data or until `input` is empty,
    /// and appends what is to be stored to `output`. True once the end of data was seen; what is
    /// left in `input` then belongs to the next command. Never true for Chunks.
    bool push(std::string_view& input, std::string& output);

    /// Chunks: the last chunk was read; adds the final CRLF where it is missing. An empty message
    /// stays empty.
    void finish(std::string& output);

    /// Octets as received less dot-stuffing and final dot line: what SIZE counts (RFC 1870 3).
    std::uint64_t size() const { return m_size; }

private:
    /// LineStart: nothing yet, or a CRLF as received (Chunks: or a bare LF). Dot, DotCr: what such
    /// a line began with, not yet in the output. Cr: the last octet was a CR, already in the
    /// output.
    enum class State { LineStart, Dot, DotCr, Text, Cr };

    /// Octets to be stored as they are, what comes behind them, and whether that is a bare LF.
    struct Run {
        std::size_t octets;
        State next;
        bool bareLf;
    };

    bool takeLineStart(std::string_view& input, std::string& output);
    void takeText(std::string_view& input, std::string& output);
    bool followsCr(std::string_view input, std::size_t lf) const;
    Run nextRun(std::string_view input) const;

    Form m_form;
    State m_state = State::LineStart;
    std::uint64_t m_size = 0;
};

}  // namespace smtp
