#include "gateway/mail/node_id.h"

#include <algorithm>
#include <array>

#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace gateway {

namespace {

constexpr std::string_view kPrefix = "n-";
constexpr std::size_t kDigits = 32;

}  // namespace

std::optional<NodeId> NodeId::parse(std::string_view text) {
    const bool form = text.size() == kPrefix.size() + kDigits && text.starts_with(kPrefix);
    const std::string_view digits = form ? text.substr(kPrefix.size()) : std::string_view();
    const bool hex = std::all_of(digits.begin(), digits.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
    if (!form || !hex) {
        return std::nullopt;
    }
    return NodeId(std::string(text));
}

NodeId NodeId::generate() {
    std::array<std::byte, kDigits / 2> random{};
    fillRandom(random);
    return NodeId(std::string(kPrefix) + hexOf(random));
}

}  // namespace gateway
