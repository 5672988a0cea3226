#include "gateway/net/http_server_parser.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <limits>

#include "gateway/base/text.h"

namespace gateway::net {

namespace {

namespace http = boost::beast::http;

/// Method, blanks and version around the longest target.
constexpr std::size_t kLongestRequestLine = HttpRequestParser::kLongestTarget + 32;

/// Of a chunk: its size and what extends it, which nobody needs.
constexpr std::size_t kLongestChunkLine = 1024;

constexpr auto kMethods =
    std::to_array<std::string_view>({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"});

constexpr std::size_t kOrdinaryBody = 64UL * 1024;

void wipe(char* octets, std::size_t count) { ::explicit_bzero(octets, count); }

/// Appends, and leaves nothing behind where the text has to move.
void appendWiped(std::string& text, std::string_view more) {
    if (text.size() + more.size() > text.capacity()) {
        std::string larger;
        larger.reserve(std::max(2 * text.capacity(), text.size() + more.size()));
        larger += text;
        wipe(text.data(), text.size());
        text.swap(larger);
    }
    text += more;
}

/// Drops the first octets, and leaves nothing of them behind.
void dropWiped(std::string& text, std::size_t count) {
    const std::size_t left = text.size() - count;
    std::memmove(text.data(), text.data() + count, left);
    wipe(text.data() + left, count);
    text.resize(left);
}

bool isHexDigit(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

/// RFC 3986: path and query of what a client may ask for, percent signs only before two digits.
bool isTarget(std::string_view text) {
    static constexpr std::string_view kMarks = "-._~!$&'()*+,;=:@/?";
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size() || !isHexDigit(text[i + 1]) || !isHexDigit(text[i + 2])) {
                return false;
            }
        } else if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
                   kMarks.find(c) == std::string_view::npos) {
            return false;
        }
    }
    return true;
}

/// The host of a Host field (RFC 9110 7.2), without its port; empty where it is none.
std::string hostOf(std::string_view value) {
    std::size_t end = value.size();
    const bool literal = value.starts_with('[');
    const std::size_t colon = literal ? value.find(':', value.find(']')) : value.find(':');
    if (colon != std::string_view::npos) {
        const auto port = parseDecimal(value.substr(colon + 1));
        if (!port || *port > 65535) {
            return {};
        }
        end = colon;
    }
    const std::string_view host = value.substr(0, end);
    const std::string_view inside =
        literal && host.ends_with(']') ? host.substr(1, host.size() - 2) : host;
    const std::string_view marks = literal ? ".:" : ".-_";
    const bool formed = !inside.empty() && host.size() <= 255 &&
                        std::all_of(inside.begin(), inside.end(), [&](char c) {
                            return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                                   marks.find(c) != std::string_view::npos;
                        });
    return formed ? lowered(host) : std::string();
}

}  // namespace

struct HttpRequestParser::Beast {
    Beast() {
        parser.header_limit(kLongestHeader + 1);
        // Ours is known only after the header; "none" counts as zero in Boost 1.74.
        parser.body_limit(std::numeric_limits<std::uint64_t>::max());
        parser.eager(false);
    }
    http::request_parser<http::string_body> parser;
};

HttpRequestParser::HttpRequestParser() : m_beast(std::make_unique<Beast>()) {}

HttpRequestParser::~HttpRequestParser() = default;

void HttpRequestParser::refuse(unsigned status, const char* why) {
    m_state = State::Refused;
    m_refusal = {status, why};
}

std::size_t HttpRequestParser::push(std::string_view octets) {
    if (m_state == State::Body) {
        return pushBody(octets);
    }
    std::size_t taken = 0;
    while (m_state == State::Header && taken < octets.size()) {
        if (takeHeaderOctet(octets[taken++])) {
            readHeader();
        }
    }
    return taken;
}

/// Whether the header is whole now.
bool HttpRequestParser::takeHeaderOctet(char octet) {
    const char before = m_header.empty() ? '\0' : m_header.back();
    if ((octet == '\n') != (before == '\r') || octet == '\0') {
        refuse(400, "lines end by CRLF, and hold no NUL");  // RFC 9112 2.2, RFC 9110 5.5
        return false;
    }
    if ((octet == ' ' || octet == '\t') && m_header.size() == m_lineStart && m_lineStart > 0) {
        refuse(400, "a field on several lines");  // RFC 9112 5.2
        return false;
    }
    m_header += octet;
    if (octet != '\n') {
        if (m_lineStart == 0 && m_header.size() > kLongestRequestLine) {
            refuse(414, "the request line is too long");  // RFC 9112 3
        } else if (m_header.size() >= kLongestHeader) {
            refuse(431, "the header is too large");  // RFC 6585 5
        }
        return false;
    }
    const bool emptyLine = m_header.size() == m_lineStart + 2;
    if (emptyLine && m_lineStart == 0) {
        // RFC 9112 2.2: an empty line before a request is passed over; a second one is not.
        if (m_emptyLineBefore) {
            refuse(400, "empty lines before the request");
        }
        m_emptyLineBefore = true;
        m_header.clear();
        return false;
    }
    m_lineStart = m_header.size();
    return emptyLine;
}

void HttpRequestParser::readHeader() {
    if (!readRequestLine(std::string_view(m_header).substr(0, m_header.find("\r\n")))) {
        return;
    }
    boost::beast::error_code error;
    const std::size_t taken =
        m_beast->parser.put(boost::asio::const_buffer(m_header.data(), m_header.size()), error);
    if (error || taken != m_header.size() || !m_beast->parser.is_header_done()) {
        refuse(400, "the header is malformed");  // RFC 9112 5
        return;
    }
    if (readFields() && readHost() && readLength() && judgeBody()) {
        m_state = State::HeaderRead;
    }
    m_header = std::string();
}

bool HttpRequestParser::readRequestLine(std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) {
        refuse(400, "the request line has three words");  // RFC 9112 3
        return false;
    }
    const std::string_view version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0") {
        refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");  // RFC 9110 15.6.6
        return false;
    }
    m_request.oldVersion = version == "HTTP/1.0";
    m_request.method = line.substr(0, first);
    if (std::find(kMethods.begin(), kMethods.end(), m_request.method) == kMethods.end()) {
        refuse(501, "the method is not known here");  // RFC 9110 9.1
        return false;
    }
    return readTarget(line.substr(first + 1, last - first - 1));
}

bool HttpRequestParser::readTarget(std::string_view target) {
    if (target.size() > kLongestTarget) {
        refuse(414, "the address is too long");  // RFC 9110 15.5.15
        return false;
    }
    // RFC 9112 3.2: absolute, authority and asterisk form are for proxies; "//" would name a host.
    if (!target.starts_with('/') || target.starts_with("//") || !isTarget(target)) {
        refuse(400, "the address is no path on this server");
        return false;
    }
    const std::size_t mark = target.find('?');
    m_request.path = target.substr(0, mark);
    m_request.query = mark == std::string_view::npos ? "" : target.substr(mark + 1);
    return true;
}

bool HttpRequestParser::readFields() {
    for (const auto& field : m_beast->parser.get()) {
        const auto name = field.name_string();
        const auto value = field.value();
        m_request.fields.emplace_back(lowered(std::string_view(name.data(), name.size())),
                                      trimmed(std::string_view(value.data(), value.size())));
    }
    if (m_request.fields.size() > kMostFields) {
        refuse(431, "too many fields");  // RFC 6585 5
        return false;
    }
    return true;
}

bool HttpRequestParser::readHost() {
    const auto isHost = [](const auto& field) { return field.first == "host"; };
    const auto count = std::count_if(m_request.fields.begin(), m_request.fields.end(), isHost);
    if (count == 0 && m_request.oldVersion) {
        return true;
    }
    const std::string* const host = m_request.field("host");
    m_request.host = host != nullptr ? hostOf(*host) : std::string();
    if (m_request.host.empty()) {
        refuse(400, "a request has exactly one Host");  // RFC 9112 3.2
        return false;
    }
    return true;
}

bool HttpRequestParser::readLength() {
    for (const auto& [name, value] : m_request.fields) {
        if (name == "transfer-encoding") {
            // RFC 9112 6.1: anything else, or it twice, is read in different ways.
            if (m_request.oldVersion || m_chunked || !equalsIgnoringCase(value, "chunked")) {
                refuse(400, "no Transfer-Encoding but chunked is understood");
                return false;
            }
            m_chunked = true;
        } else if (name == "content-length") {
            const auto length = parseDecimal(value);
            if (!length || m_lengthGiven) {
                refuse(400, "the length is said twice, or is no number");  // RFC 9112 6.3
                return false;
            }
            m_lengthGiven = true;
            m_length = *length;
        }
    }
    if (m_chunked && m_lengthGiven) {
        refuse(400, "the length is said in two ways");  // RFC 9112 6.1
        return false;
    }
    return true;
}

bool HttpRequestParser::judgeBody() {
    const std::string& method = m_request.method;
    const bool mayHaveBody = method == "POST" || method == "PUT" || method == "PATCH";
    if (mayHaveBody && !m_chunked && !m_lengthGiven) {
        refuse(411, "its length is missing");  // RFC 9110 15.5.12
        return false;
    }
    if (!mayHaveBody && hasBody()) {
        refuse(400, "this method has no body");  // RFC 9110 9.3.1: a body there is of no meaning
        return false;
    }
    const auto expects = std::find_if(m_request.fields.begin(), m_request.fields.end(),
                                      [](const auto& field) { return field.first == "expect"; });
    const bool expecting = expects != m_request.fields.end();
    if (expecting && !equalsIgnoringCase(expects->second, "100-continue")) {
        refuse(417, "only 100-continue can be expected");  // RFC 9110 10.1.1
        return false;
    }
    m_awaitsContinue = expecting && hasBody() && !m_request.oldVersion;
    m_request.keepAlive = !m_request.oldVersion && m_beast->parser.get().keep_alive();
    return true;
}

void HttpRequestParser::readBody(std::size_t most) {
    m_mostBody = most;
    if (m_length > most) {
        refuse(413, "the body is too large");  // RFC 9110 15.5.14
        return;
    }
    m_beast->parser.eager(true);
    // A body of ordinary size is never moved to a larger place: what it held would stay behind.
    (m_chunked ? m_beast->parser.get().body() : m_request.body)
        .reserve(std::min(m_chunked ? most : static_cast<std::size_t>(m_length), kOrdinaryBody));
    m_state = hasBody() ? State::Body : State::Done;
}

std::size_t HttpRequestParser::pushBody(std::string_view octets) {
    if (m_chunked) {
        return pushChunks(octets);
    }
    std::string& body = m_request.body;
    const std::string_view ours =
        octets.substr(0, static_cast<std::size_t>(m_length - body.size()));
    appendWiped(body, ours);
    if (body.size() == m_length) {
        m_state = State::Done;
    }
    return ours.size();
}

/// In steps that what is sent decides, and not its packets: so is what becomes of it.
std::size_t HttpRequestParser::pushChunks(std::string_view octets) {
    std::size_t taken = 0;
    while (m_state == State::Body && taken < octets.size()) {
        const std::string_view rest = octets.substr(taken, kLongestChunkLine - m_pending.size());
        const std::size_t step = std::min(rest.find('\n'), rest.size() - 1) + 1;
        appendWiped(m_pending, rest.substr(0, step));
        taken += step;
        if (m_pending.ends_with('\n') || m_pending.size() == kLongestChunkLine) {
            readPending();
        }
    }
    return taken;
}

void HttpRequestParser::readPending() {
    boost::beast::error_code error;
    for (std::size_t read = 1;
         read > 0 && !error && !m_pending.empty() && !m_beast->parser.is_done();) {
        const boost::asio::const_buffer input(m_pending.data(), m_pending.size());
        read = m_beast->parser.put(input, error);
        dropWiped(m_pending, read);
    }
    if (error == http::error::need_more) {
        error = {};
    }
    std::string& body = m_beast->parser.get().body();
    const bool done = m_beast->parser.is_done();
    if (body.size() > m_mostBody) {            // first: what is behind that came later
        refuse(413, "the body is too large");  // RFC 9110 15.5.14
    } else if (error || (!done && m_pending.size() >= kLongestChunkLine)) {
        refuse(400, "the body is malformed");  // RFC 9112 7.1
    } else if (done) {
        m_request.body = std::move(body);
        m_state = State::Done;
    }
}

}  // namespace gateway::net
