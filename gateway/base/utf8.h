// UTF-8 (RFC 3629) told from octets that are none. Never depends on the locale.
#pragma once

#include <cstddef>
#include <string_view>

namespace gateway {

/// The octets of the well-formed sequence at the start of `text`, 0 where there is none.
std::size_t utf8Length(std::string_view text);

}  // namespace gateway
