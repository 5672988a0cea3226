// JSON text that came from outside as a value (RFC 8259). Never throws for what it says, nor lets
// it use up the stack: values are copied and freed level by level.
#pragma once

#include <nlohmann/json.hpp>
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

}  // namespace gateway
