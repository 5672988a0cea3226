#include "webui/target.h"

#include <algorithm>

#include "gateway/base/text.h"

namespace webui {

namespace {

/// What stands before the next `mark`; takes both away.
std::string_view takeUntil(std::string_view& text, char mark) {
    const std::size_t end = std::min(text.find(mark), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

}  // namespace

bool isUnder(std::string_view path, std::string_view root) {
    return path == root || (path.starts_with(root) && path[root.size()] == '/');
}

std::optional<std::string> percentDecoded(std::string_view text) {
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < text.size() ? gateway::hexDigit(text[i + 1]) : -1;
            const int low = high >= 0 ? gateway::hexDigit(text[i + 2]) : -1;
            if (low < 0) {
                return std::nullopt;
            }
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if ((c >= 0 && c < ' ') || c == '\x7f') {
            return std::nullopt;
        }
        result += c;
    }
    return result;
}

std::optional<std::map<std::string, std::string>> match(std::string_view pattern,
                                                        std::string_view path) {
    std::map<std::string, std::string> parts;
    if (std::count(pattern.begin(), pattern.end(), '/') !=
        std::count(path.begin(), path.end(), '/')) {
        return std::nullopt;
    }
    while (!pattern.empty() || !path.empty()) {
        const std::string_view wanted = takeUntil(pattern, '/');
        const std::string_view given = takeUntil(path, '/');
        if (!wanted.starts_with('{')) {
            if (wanted != given) {
                return std::nullopt;
            }
            continue;
        }
        auto value = percentDecoded(given);
        if (!value || value->empty()) {
            return std::nullopt;
        }
        parts.emplace(wanted.substr(1, wanted.size() - 2), std::move(*value));
    }
    return parts;
}

std::map<std::string, std::string> parseQuery(std::string_view query) {
    std::map<std::string, std::string> result;
    while (!query.empty()) {
        std::string pair(takeUntil(query, '&'));
        std::replace(pair.begin(), pair.end(), '+', ' ');
        std::string_view rest = pair;
        const auto name = percentDecoded(takeUntil(rest, '='));
        const auto value = percentDecoded(rest);
        if (name && value && !name->empty()) {
            result.emplace(*name, *value);
        }
    }
    return result;
}

}  // namespace webui
