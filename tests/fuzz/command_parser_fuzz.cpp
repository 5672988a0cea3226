// The grammar of SMTP command lines: what is taken has the form it promises, lies within the line,
// and is read the same a second time. Input: a line, with or without a verb.
#include <functional>

#include "gateway/base/text.h"
#include "smtp/command_parser.h"
#include "tests/fuzz/fuzzing.h"

namespace {

using fuzz::claim;
using namespace smtp;

bool isWithin(std::string_view part, std::string_view whole) {
    const std::less_equal<> before;
    return part.empty() || (before(whole.data(), part.data()) &&
                            before(part.data() + part.size(), whole.data() + whole.size()));
}

bool hasControl(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

void onPath(std::string_view path) {
    const auto address = parseAddress(path);
    if (!address) {
        return;
    }
    claim(path.size() + 2 <= kLongestPath, "no longer path is taken");
    claim(address->domain.size() <= kLongestDomain, "no longer domain is taken");
    claim(address->domain == gateway::lowered(address->domain), "domains are lower case");
    claim(path.ends_with(address->text), "an address is as written");
    // In a literal, all printable ASCII may stand (RFC 5321 4.1.3, dcontent).
    claim(address->domain.find_first_of(
              address->domain.starts_with('[') ? " \t\r\n" : " \t\r\n<>\"/[]") == std::string::npos,
          "nothing ends a domain early");
    const auto again = parseAddress(address->text);
    claim(again && again->text == address->text && again->localPart == address->localPart &&
              again->domain == address->domain,
          "an address is read the same again");
}

void onParameters(std::string_view text) {
    const auto parameters = parseParameters(text);
    for (const Parameter& parameter : parameters.value_or(std::vector<Parameter>())) {
        claim(!parameter.keyword.empty() && isWithin(parameter.keyword, text), "a keyword");
        claim(!parameter.value || (!parameter.value->empty() && isWithin(*parameter.value, text)),
              "a value");
    }
    const MailParameters mail = parseMailParameters(text);
    claim(parameters || mail.fault == MailParameters::Fault::Malformed, "malformed is malformed");
    claim(mail.fault == MailParameters::Fault::None || mail.size == 0 || !mail.keyword.empty(),
          "a fault has a name");
}

void onArgument(std::string_view argument) {
    for (const std::string_view keyword : {"FROM:", "TO:"}) {
        if (const auto cut = parsePathArgument(argument, keyword)) {
            claim(isWithin(cut->path, argument) && isWithin(cut->parameters, argument),
                  "path and parameters are parts of the argument");
            onPath(cut->path);
            onParameters(cut->parameters);
        }
    }
    if (const auto chunk = parseChunk(argument)) {
        claim(chunk->octets < 1ULL << 63U, "a chunk is below 2^63");
        claim(!chunk->last || !chunk->malformedEnd, "LAST is not malformed");
        claim(!argument.empty() && argument.front() >= '0' && argument.front() <= '9',
              "a size begins by a digit");
    }
}

}  // namespace

void fuzz::run(std::string_view line) {
    if (const auto command = parseCommandLine(line)) {
        claim(isWithin(command->verb, line) && isWithin(command->argument, line),
              "verb and argument are parts of the line");
        claim(!hasControl(command->verb) && !hasControl(command->argument),
              "no control characters");
        claim(command->verb.find(' ') == std::string_view::npos, "a verb is one word");
        onArgument(command->argument);
    }
    // Also what no command line lets through: the parsers must not rely on one another.
    onArgument(line);
    onPath(line);
    onParameters(line);
}
