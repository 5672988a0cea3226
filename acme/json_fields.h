// JSON that came from outside, and its fields: there with the right type, or not there.
// Never throws for what a server sends.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/base/json_text.h"

namespace acme {

/// Discarded where it is no JSON, or none that is read here: what ACME defines has five levels.
inline nlohmann::json parsed(std::string_view text) { return gateway::parseJson(text, 32); }

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
