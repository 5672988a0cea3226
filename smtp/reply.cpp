#include "smtp/reply.h"

#include <algorithm>

namespace smtp {

namespace {

constexpr std::size_t kMostOctets = 512;  // RFC 5321 4.5.3.1.5, with the CRLF

/// A reply may quote a peer; whatever it holds must not end a line. ASCII only: a client that did
/// not ask for SMTPUTF8 expects nothing else (RFC 6531 3.7.4.2).
char safe(char c) { return c >= ' ' && c <= '~' ? c : '?'; }

}  // namespace

Reply::Reply(int replyCode, std::string_view enhanced, std::string text, Then next)
    : code(replyCode), enhancedCode(enhanced), then(next) {
    std::size_t from = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
        lines.push_back(text.substr(from, end - from));
        from = end + 1;
    }
    lines.push_back(text.substr(from));
}

std::string Reply::wire() const {
    std::string result;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        std::string line = std::to_string(code);
        line += i + 1 < lines.size() ? '-' : ' ';
        if (!enhancedCode.empty()) {
            line += enhancedCode + ' ';  // RFC 2034 section 4: on every line
        }
        line += lines[i];
        line.resize(std::min(line.size(), kMostOctets - 2));
        std::transform(line.begin(), line.end(), line.begin(), safe);
        result += line + "\r\n";
    }
    return result;
}

}  // namespace smtp
