// Small, locale-free text work that every room needs.
// Never looks at the C locale: protocol text is ASCII whatever the environment says.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

/// The octets of a text, and the text of octets; no copy.
std::span<const std::byte> octetsOf(std::string_view text);
std::string_view textOf(std::span<const std::byte> octets);

/// ASCII lower case.
std::string lowered(std::string_view text);
bool equalsIgnoringCase(std::string_view left, std::string_view right);
std::string_view trimmed(std::string_view text);

/// Lower-case hex, two digits an octet.
std::string hexOf(std::span<const std::byte> octets);

/// 0 to 15, of either case; -1 where it is none.
int hexDigit(char c);

/// Digits only, no sign, no blanks; nothing where it is empty or exceeds 2^64 - 1.
std::optional<std::uint64_t> parseDecimal(std::string_view digits);

/// "200MiB", "64 KiB", "1GiB", "512" (octets). Nothing where the form or unit is unknown.
std::optional<std::uint64_t> parseSize(std::string_view text);

/// "0s", "90s", "10m", "8h", "14d". Nothing where the form or unit is unknown.
std::optional<std::chrono::seconds> parseDuration(std::string_view text);

/// "1.5 GiB", "75 KiB", "312 octets": for people.
std::string describeSize(std::uint64_t octets);

/// Text that is safe on one line of a log or terminal: control characters and bytes that are no
/// UTF-8 become \xNN, a backslash \\, and what exceeds `most` octets is cut with an ellipsis.
std::string printable(std::string_view text, std::size_t most = 256);

}  // namespace gateway
