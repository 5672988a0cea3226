// TOML text to JSON values and back, for the small files that the program itself writes: records,
// node, trust. No file, no clock. Bounded: what a hostile file nests is refused before it is
// parsed.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

/// A whole file as a JSON object. Dates and times become text (RFC 3339; an instant in whole
/// seconds always as "2026-11-22T10:00:00Z"). Nothing where it is no TOML; `why` says what and in
/// which line.
std::optional<nlohmann::json> parseToml(std::string_view text, std::string& why);

/// An object as a file: an array of objects becomes `[[key]]` tables, all else stands inline; text
/// of several lines keeps its lines. The member `at` of a table, where it is such an instant, is
/// written as TOML date-time. parseToml() gives back the same value.
std::string formatToml(const nlohmann::json& object);

}  // namespace gateway
