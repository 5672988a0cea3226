// The address of a request, taken apart: RFC 3986. Never makes a path of a file of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace webui {

/// Whether `path` is `root` itself or below it.
bool isUnder(std::string_view path, std::string_view root);

/// Percent signs undone; nothing where the result would hold a control character.
std::optional<std::string> percentDecoded(std::string_view text);

/// What stands in `path` for the {names} of `pattern`; nothing where it does not fit. The path's
/// other parts are compared as they are: nothing needs percent signs there.
std::optional<std::map<std::string, std::string>> match(std::string_view pattern,
                                                        std::string_view path);

/// "a=1&b=x+y"; of a name twice the first. What cannot be decoded is left out.
std::map<std::string, std::string> parseQuery(std::string_view query);

}  // namespace webui
