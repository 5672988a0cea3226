// The one way to write a JSON value down (RFC 8785, JCS), so that a signature covers what is meant
// and not how it was typed. Leaves out floating-point numbers and null: no statement has them.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace gateway {

/// Nothing where `value` holds null, a fraction, an integer beyond ±(2^53 - 1), text that is no
/// UTF-8, or more than kDeepestValue levels.
std::optional<std::string> canonicalJson(const nlohmann::json& value);

/// Not deeper than parseToml() reads, or what was written to a record could not be read again.
inline constexpr int kDeepestValue = 16;
/// RFC 8785 section 3.2.2.3: integers beyond are not exact in every JSON library.
inline constexpr std::int64_t kGreatestInteger = (std::int64_t{1} << 53) - 1;

}  // namespace gateway
