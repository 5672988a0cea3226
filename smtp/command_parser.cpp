#include "smtp/command_parser.h"

#include <algorithm>
#include <array>

#include "gateway/base/text.h"

namespace smtp {

namespace {

using gateway::equalsIgnoringCase;

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isAlnum(char c) { return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool isBeyondAscii(char c) { return static_cast<unsigned char>(c) >= 0x80; }

/// RFC 5322 3.2.3, extended by RFC 6531 3.3.
bool isAtext(char c) {
    return isAlnum(c) || isBeyondAscii(c) ||
           std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

/// Whether all of `text` is UTF-8 without control characters; a backslash is as good as any.
bool isPlain(std::string_view text) {
    std::string probe(text);
    std::replace(probe.begin(), probe.end(), '\\', '/');
    return gateway::printable(probe, probe.size() + 1) == probe;
}

std::string_view trimmedBlanks(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    const std::size_t last = text.find_last_not_of(" \t");
    return first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, last - first + 1);
}

/// "[192.0.2.1]" or "[IPv6:2001:db8::1]" or "[tag:content]" (RFC 5321 4.1.3). The content of a
/// tagged literal is not taken apart: nobody connects to it.
bool isAddressLiteral(std::string_view domain) {
    if (domain.size() < 3 || domain.front() != '[' || domain.back() != ']') {
        return false;
    }
    const std::string_view content = domain.substr(1, domain.size() - 2);
    const bool dcontent = std::all_of(content.begin(), content.end(), [](char c) {
        return c > ' ' && c <= '~' && c != '[' && c != ']' && c != '\\';
    });
    const std::size_t colon = content.find(':');
    if (colon != std::string_view::npos) {
        const std::string_view tag = content.substr(0, colon);
        return dcontent && !tag.empty() && colon + 1 < content.size() &&
               std::all_of(tag.begin(), tag.end(), [](char c) { return isAlnum(c) || c == '-'; });
    }
    std::string_view rest = content;
    for (int part = 0; part < 4; ++part) {
        const std::size_t end = part < 3 ? rest.find('.') : rest.size();
        if (end == std::string_view::npos || end > 3) {
            return false;
        }
        const auto value = gateway::parseDecimal(rest.substr(0, end));
        if (!value || *value > 255) {
            return false;
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return true;
}

/// Labels of letters, digits, hyphens, underscores and UTF-8, 1 to 63 octets each (RFC 1035 2.3.4).
bool isDomainName(std::string_view domain) {
    std::size_t label = 0;
    for (const char c : domain) {
        const bool dot = c == '.';
        if (dot ? label == 0 : !(isAlnum(c) || c == '-' || c == '_' || isBeyondAscii(c))) {
            return false;
        }
        label = dot ? 0 : label + 1;
        if (label > 63) {
            return false;
        }
    }
    return label > 0;
}

bool isDomain(std::string_view domain) {
    return domain.size() <= kLongestDomain && (isAddressLiteral(domain) || isDomainName(domain));
}

/// Removes "@one,@two:" from the front; false where it is malformed (RFC 5321 4.1.2, A-d-l).
bool dropSourceRoute(std::string_view& path) {
    while (path.starts_with('@')) {
        const std::size_t end = path.find_first_of(",:");
        if (end == std::string_view::npos || !isDomain(path.substr(1, end - 1))) {
            return false;
        }
        const bool more = path[end] == ',';
        path.remove_prefix(end + 1);
        if (!more) {
            return !path.empty() && !path.starts_with('@');
        }
        if (!path.starts_with('@')) {
            return false;
        }
    }
    return true;
}

/// The length of the quoted string at the start of `text`, 0 where it does not end.
std::size_t quotedLength(std::string_view text) {
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            return i + 1;
        }
    }
    return 0;
}

std::string unquoted(std::string_view quoted) {
    std::string result;
    for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
        if (quoted[i] == '\\') {
            ++i;
        }
        result += quoted[i];
    }
    return result;
}

/// The length of the local part at the start of `text`, 0 where there is none.
std::size_t localPartLength(std::string_view text) {
    if (text.starts_with('"')) {
        return quotedLength(text);
    }
    const auto end =
        std::find_if(text.begin(), text.end(), [](char c) { return !isAtext(c) && c != '.'; });
    return static_cast<std::size_t>(end - text.begin());
}

bool isKeyword(std::string_view text) {
    return !text.empty() && isAlnum(text.front()) &&
           std::all_of(text.begin(), text.end(), [](char c) { return isAlnum(c) || c == '-'; });
}

/// RFC 1870 section 3: 1 to 20 digits.
MailParameters::Fault parseSizeParameter(const Parameter& parameter, std::uint64_t& size) {
    using Fault = MailParameters::Fault;
    const std::string_view digits = parameter.value.value_or("");
    if (digits.empty() || digits.size() > 20 ||
        !std::all_of(digits.begin(), digits.end(), isDigit)) {
        return Fault::Malformed;
    }
    const auto value = gateway::parseDecimal(digits);
    size = value.value_or(0);
    return value ? Fault::None : Fault::Oversized;
}

/// RFC 6152 section 2; BINARYMIME (RFC 3030 section 3) is not offered.
MailParameters::Fault checkBody(const Parameter& parameter) {
    using Fault = MailParameters::Fault;
    const std::string_view body = parameter.value.value_or("");
    if (equalsIgnoringCase(body, "7BIT") || equalsIgnoringCase(body, "8BITMIME")) {
        return Fault::None;
    }
    return equalsIgnoringCase(body, "BINARYMIME") ? Fault::NotOffered : Fault::Malformed;
}

MailParameters::Fault takeMailParameter(const Parameter& parameter, MailParameters& result) {
    using Fault = MailParameters::Fault;
    if (equalsIgnoringCase(parameter.keyword, "SIZE")) {
        return parseSizeParameter(parameter, result.size);
    }
    if (equalsIgnoringCase(parameter.keyword, "BODY")) {
        return checkBody(parameter);
    }
    if (equalsIgnoringCase(parameter.keyword, "SMTPUTF8")) {
        result.utf8 = true;
        return parameter.value ? Fault::Malformed : Fault::None;  // RFC 6531 3.4
    }
    if (equalsIgnoringCase(parameter.keyword, "AUTH")) {
        // RFC 4954 section 5: who is not trusted to say it is treated as if it were AUTH=<>.
        return parameter.value ? Fault::None : Fault::Malformed;
    }
    return Fault::NotOffered;
}

}  // namespace

std::optional<CommandLine> parseCommandLine(std::string_view line) {
    line = line.substr(0, line.find_last_not_of(" \t") + 1);
    if (!isPlain(line)) {
        return std::nullopt;
    }
    const std::size_t end = line.find(' ');
    if (end == std::string_view::npos) {
        return CommandLine{line, {}};
    }
    return CommandLine{line.substr(0, end), trimmedBlanks(line.substr(end))};
}

std::optional<PathArgument> parsePathArgument(std::string_view argument, std::string_view keyword) {
    if (!equalsIgnoringCase(argument.substr(0, keyword.size()), keyword)) {
        return std::nullopt;
    }
    const std::string_view rest = trimmedBlanks(argument.substr(keyword.size()));
    if (!rest.starts_with('<')) {
        return std::nullopt;
    }
    std::size_t end = 1;
    while (end < rest.size() && rest[end] != '>') {
        const std::size_t quoted = rest[end] == '"' ? quotedLength(rest.substr(end)) : 1;
        if (quoted == 0) {
            return std::nullopt;
        }
        end += quoted;
    }
    if (end >= rest.size() || (end + 1 < rest.size() && rest[end + 1] != ' ')) {
        return std::nullopt;
    }
    return PathArgument{rest.substr(1, end - 1), trimmedBlanks(rest.substr(end + 1))};
}

std::optional<Address> parseAddress(std::string_view path) {
    if (path.size() + 2 > kLongestPath || !dropSourceRoute(path)) {
        return std::nullopt;
    }
    Address address;
    address.text = path;
    if (path.empty()) {
        return address;
    }
    const std::size_t length = localPartLength(path);
    if (length == 0) {
        return std::nullopt;
    }
    const std::string_view localPart = path.substr(0, length);
    address.localPart = path.starts_with('"') ? unquoted(localPart) : std::string(localPart);
    path.remove_prefix(length);
    if (path.empty()) {
        return address;
    }
    if (path.front() != '@' || !isDomain(path.substr(1))) {
        return std::nullopt;
    }
    address.domain = gateway::lowered(path.substr(1));
    return address;
}

std::optional<std::vector<Parameter>> parseParameters(std::string_view text) {
    std::vector<Parameter> result;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text = trimmedBlanks(text.substr(word.size()));
        Parameter parameter;
        const std::size_t equals = word.find('=');
        parameter.keyword = word.substr(0, equals);
        if (equals != std::string_view::npos) {
            parameter.value = word.substr(equals + 1);
        }
        const bool badValue =
            parameter.value && (parameter.value->empty() ||
                                parameter.value->find_first_of("=\t") != std::string_view::npos);
        if (!isKeyword(parameter.keyword) || badValue) {
            return std::nullopt;
        }
        result.push_back(parameter);
    }
    return result;
}

MailParameters parseMailParameters(std::string_view text) {
    MailParameters result;
    const auto parameters = parseParameters(text);
    if (!parameters) {
        result.fault = MailParameters::Fault::Malformed;
        result.keyword = text.substr(0, 64);
        return result;
    }
    for (auto parameter = parameters->begin(); parameter != parameters->end(); ++parameter) {
        const bool repeated =
            std::any_of(parameters->begin(), parameter, [&](const Parameter& earlier) {
                return equalsIgnoringCase(earlier.keyword, parameter->keyword);
            });
        result.fault =
            repeated ? MailParameters::Fault::Malformed : takeMailParameter(*parameter, result);
        if (result.fault != MailParameters::Fault::None) {
            result.keyword = parameter->keyword;
            return result;
        }
    }
    return result;
}

std::optional<Chunk> parseChunk(std::string_view argument) {
    const std::string_view digits = argument.substr(0, argument.find(' '));
    const std::string_view rest = trimmedBlanks(argument.substr(digits.size()));
    const auto octets = gateway::parseDecimal(digits);
    if (!octets || *octets >= 1ULL << 63U) {
        return std::nullopt;
    }
    Chunk chunk;
    chunk.octets = *octets;
    chunk.last = equalsIgnoringCase(rest, "LAST");
    chunk.malformedEnd = !chunk.last && !rest.empty();
    return chunk;
}

}  // namespace smtp
