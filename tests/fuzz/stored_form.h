// The stored form of a message, worked out octet by octet: slow, and simple enough to be believed.
// What DataReader, which measures whole runs, is held against. Never reads in pieces.
#pragma once

#include <string>
#include <string_view>

namespace fuzz {

struct StoredForm {
    std::string octets;
    std::size_t size = 0;   ///< as SIZE counts: without stuffed dots and the final line
    std::size_t taken = 0;  ///< octets of the input up to and including the final line
    bool ended = false;
};

/// RFC 5321 4.5.2: lines end at CRLF as received; a bare LF is stored as CRLF and begins no line.
inline StoredForm storedFromDots(std::string_view wire) {
    constexpr std::string_view kFinal = ".\r\n";
    StoredForm form;
    bool lineStart = true;
    for (std::size_t i = 0; i < wire.size(); ++i) {
        if (lineStart && wire[i] == '.') {
            const std::string_view line = wire.substr(i, kFinal.size());
            if (line == kFinal) {
                form.taken = i + kFinal.size();
                form.ended = true;
                return form;
            }
            if (kFinal.starts_with(line)) {
                break;  // may yet become the final line
            }
            lineStart = false;
            continue;
        }
        const bool crBefore = i > 0 && wire[i - 1] == '\r';
        lineStart = wire[i] == '\n' && crBefore;
        form.octets += wire[i] == '\n' && !crBefore ? "\r" : "";
        form.octets += wire[i];
        ++form.size;
    }
    form.taken = wire.size();
    return form;
}

/// RFC 3030: no dots and no final line; a missing last CRLF is added.
inline StoredForm storedFromChunks(std::string_view wire) {
    StoredForm form;
    for (std::size_t i = 0; i < wire.size(); ++i) {
        const bool bareLf = wire[i] == '\n' && (i == 0 || wire[i - 1] != '\r');
        form.octets += bareLf ? "\r" : "";
        form.octets += wire[i];
    }
    form.size = wire.size();
    form.taken = wire.size();
    if (!wire.empty() && wire.back() != '\n') {
        form.octets += "\r\n";
    }
    return form;
}

}  // namespace fuzz
