#include "pop3/sasl_plain.h"

namespace pop3 {

std::optional<PlainMessage> parsePlain(std::string_view decoded) {
    const std::size_t first = decoded.find('\0');
    if (first == std::string_view::npos) {
        return std::nullopt;
    }
    const std::size_t second = decoded.find('\0', first + 1);
    if (second == std::string_view::npos) {
        return std::nullopt;
    }
    PlainMessage message;
    message.authorizationId = decoded.substr(0, first);
    message.authenticationId = decoded.substr(first + 1, second - first - 1);
    message.password = decoded.substr(second + 1);
    const bool whole = !message.authenticationId.empty() && !message.password.empty() &&
                       message.password.find('\0') == std::string_view::npos;
    return whole ? std::optional(message) : std::nullopt;
}

}  // namespace pop3
