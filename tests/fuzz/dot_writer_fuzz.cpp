// RETR and TOP on the wire: any split gives the same, a client that removes the dots has the stored
// message again, and only the end looks like the end.
// Input: RETR or TOP and its lines, seed of the split, the stored message.
#include "pop3/dot_writer.h"
#include "tests/fuzz/fuzzing.h"

namespace {

using Lines = std::optional<std::uint64_t>;

template <typename Pieces>
std::string written(Lines lines, Pieces pieces) {
    pop3::DotWriter writer(lines);
    std::string wire;
    while (!pieces.empty() && writer.push(pieces.next(), wire)) {
    }
    writer.finish(wire);
    return wire;
}

/// The lines of a text with their CRLF; the last may lack it.
std::string_view takeLine(std::string_view& text) {
    const std::size_t end = text.find("\r\n");
    const std::string_view line =
        text.substr(0, end == std::string_view::npos ? text.size() : end + 2);
    text.remove_prefix(line.size());
    return line;
}

/// RFC 1939 section 7: header, blank line, and so many lines of the body.
std::string_view wantedOf(std::string_view stored, Lines lines) {
    if (!lines) {
        return stored;
    }
    std::string_view rest = stored;
    while (!rest.empty() && takeLine(rest) != "\r\n") {
    }
    for (std::uint64_t i = 0; i < *lines && !rest.empty(); ++i) {
        takeLine(rest);
    }
    return stored.substr(0, stored.size() - rest.size());
}

/// What a client makes of it: RFC 1939 section 3. Takes what it read from `wire`.
std::string readByClient(std::string_view& wire) {
    std::string message;
    while (!wire.empty()) {
        std::string_view line = takeLine(wire);
        fuzz::claim(line.ends_with("\r\n"), "each line ends by CRLF");
        if (line == ".\r\n") {
            return message;
        }
        line.remove_prefix(line.starts_with('.') ? 1 : 0);
        message += line;
    }
    fuzz::claim(false, "a dot ends the response");
    return message;
}

}  // namespace

void fuzz::run(std::string_view input) {
    Portions portions(input);
    const std::uint8_t choice = portions.octet();
    const Lines lines = choice % 2 == 0 ? Lines() : Lines(choice / 2U % 8U);
    const std::uint8_t seed = portions.octet();
    const std::string_view stored = portions.rest();

    const std::string wire = written(lines, Whole(stored));
    claim(wire == written(lines, Splitter(stored, seed)), "any split gives the same");
    std::string_view unread = wire;
    std::string expected(wantedOf(stored, lines));
    if (!expected.empty() && !expected.ends_with("\r\n")) {
        expected += "\r\n";
    }
    claim(readByClient(unread) == expected, "a client has the stored message again");
    claim(unread.empty(), "nothing follows the end");
}
