// What a header field says, as people read it: unfolded (RFC 5322 2.2.3), its encoded words decoded
// (RFC 2047), in UTF-8 (RFC 6532). For display only: nothing is ever decided by it. Takes every
// octet sequence; work and result are bounded.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gateway {

/// The body of the first header field of that name, unfolded, as it stands, without the blanks
/// around it; nothing where the header has none. What comes behind `most` octets of it is left out.
std::optional<std::string> headerBody(std::string_view message, std::string_view name,
                                      std::size_t most = std::size_t{64} * 1024);

/// That body as text: well-formed UTF-8 on one line, without control characters, at most `most`
/// octets and then an ellipsis. An encoded word of a charset that is not known stays as it is.
std::string readableText(std::string_view body, std::size_t most = 1000);

}  // namespace gateway
