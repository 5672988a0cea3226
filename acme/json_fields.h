// JSON that came from outside, and its fields: there with the right type, or not there.
// Never throws for what a server sends, nor lets it use up the stack.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace acme {

/// Values are copied level by level on the stack; what ACME defines has five of them.
inline bool isTooDeep(std::string_view text) {
    constexpr int kDeepest = 32;
    int depth = 0;
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (quoted && c == '\\') {
            ++at;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '[' || c == '{') && ++depth > kDeepest) {
            return true;
        } else if (!quoted && (c == ']' || c == '}')) {
            --depth;
        }
    }
    return false;
}

/// Discarded where it is no JSON, or none that is read here.
inline nlohmann::json parsed(const std::string& text) {
    if (isTooDeep(text)) {
        return nlohmann::json(nlohmann::json::value_t::discarded);
    }
    return nlohmann::json::parse(text, nullptr, false);
}

inline std::optional<std::string> textIn(const nlohmann::json& object, const char* name) {
    if (!object.is_object()) {
        return std::nullopt;
    }
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? std::optional(found->get<std::string>())
                                                       : std::nullopt;
}

/// The array, or an empty one where it is none.
inline nlohmann::json arrayIn(const nlohmann::json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_array() ? *found : nlohmann::json::array();
}

/// The texts of an array; none where it is no array.
inline std::vector<std::string> textsIn(const nlohmann::json& object, const char* name) {
    std::vector<std::string> texts;
    for (const nlohmann::json& element : arrayIn(object, name)) {
        if (element.is_string()) {
            texts.push_back(element.get<std::string>());
        }
    }
    return texts;
}

inline bool isTrue(const nlohmann::json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && *found == true;
}

/// An object, or a null where it is none.
inline nlohmann::json objectIn(const nlohmann::json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_object() ? *found : nlohmann::json();
}

}  // namespace acme
