// The grammar of SMTP command lines: verbs, paths, parameters, chunk sizes.
// Never judges whether a command is in order, an address ours or a size too large: that is the
// session's. RFC 5321 4.1.2 (paths) and 4.1.1.11 (parameters), RFC 1870 section 3 (SIZE),
// RFC 3030 section 2 (BDAT), RFC 4954 section 5 (AUTH=), RFC 6152, RFC 6531 3.3 (UTF-8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smtp {

constexpr std::size_t kLongestPath = 256;      ///< RFC 5321 4.5.3.1.3, with its brackets
constexpr std::size_t kLongestDomain = 255;    ///< RFC 5321 4.5.3.1.2
constexpr std::size_t kLongestLocalPart = 64;  ///< RFC 5321 4.5.3.1.1

/// A command line in its two parts; views of the line.
struct CommandLine {
    std::string_view verb;      ///< as written; compare without case (RFC 5321 2.4)
    std::string_view argument;  ///< without the white space around it (RFC 5321 4.1.1)
};

/// Nothing where the line holds control characters or bytes that are no UTF-8: no command does, and
/// a NUL must never be taken for an end.
std::optional<CommandLine> parseCommandLine(std::string_view line);

/// The argument of MAIL or RCPT, cut but not judged.
struct PathArgument {
    std::string_view path;        ///< between the brackets
    std::string_view parameters;  ///< behind them
};

/// `keyword` is "FROM:" or "TO:". A blank behind the colon is tolerated, missing brackets are not.
std::optional<PathArgument> parsePathArgument(std::string_view argument, std::string_view keyword);

/// What stands between the brackets of a path.
struct Address {
    std::string text;       ///< as written, without a source route; empty for the null path
    std::string localPart;  ///< without quotes and quoting backslashes (RFC 5321 4.1.2)
    std::string domain;     ///< lower case; empty where only a local part was given
};

/// Source routes are ignored (RFC 5321 appendix C). More liberal than the grammar where senders
/// are: dots anywhere in a local part, underscores in domains, a local part alone. Nothing where it
/// is malformed, or longer than kLongestPath; the length of the local part is not judged.
std::optional<Address> parseAddress(std::string_view path);

/// One `keyword=value` behind a path (RFC 5321 4.1.2, esmtp-param).
struct Parameter {
    std::string_view keyword;
    std::optional<std::string_view> value;
};

/// Nothing where one of them is malformed.
std::optional<std::vector<Parameter>> parseParameters(std::string_view text);

/// The parameters of MAIL, judged as far as grammar goes.
struct MailParameters {
    enum class Fault {
        None,
        Malformed,   ///< 501
        NotOffered,  ///< 555: an extension we do not announce
        Oversized    ///< 552: SIZE= is a number beyond 2^64
    };
    Fault fault = Fault::None;
    std::string keyword;     ///< of the parameter at fault
    std::uint64_t size = 0;  ///< 0 where not given
    bool utf8 = false;
};
MailParameters parseMailParameters(std::string_view text);

/// The argument of BDAT.
struct Chunk {
    std::uint64_t octets = 0;  ///< below 2^63
    bool last = false;
    bool malformedEnd = false;  ///< something else than LAST stands behind the size
};

/// Nothing where the size is no number or not below 2^63: how many octets follow is then unknown.
std::optional<Chunk> parseChunk(std::string_view argument);

}  // namespace smtp
