// JSON text that came from outside as a value (RFC 8259). Never throws for what it says, nor lets
// it use up the stack: values are copied and freed level by level.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace gateway {

/// Discarded (is_discarded()) where it is no JSON, or nested deeper than `deepest` levels.
inline nlohmann::json parseJson(std::string_view text, int deepest) {
    bool isTooDeep = false;
    const auto keep = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
        isTooDeep = isTooDeep || depth > deepest;
        return !isTooDeep;
    };
    nlohmann::json value = nlohmann::json::parse(text, keep, false);
    return isTooDeep ? nlohmann::json(nlohmann::json::value_t::discarded) : value;
}

/// The object that the text is; an empty one where it is none, or nested deeper than `deepest`.
inline nlohmann::json parseObject(std::string_view text, int deepest) {
    nlohmann::json value = parseJson(text, deepest);
    return value.is_object() ? value : nlohmann::json::object();
}

/// The text of that name in the object; empty where there is none.
inline std::string textIn(const nlohmann::json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace gateway
