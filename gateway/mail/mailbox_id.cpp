#include "gateway/mail/mailbox_id.h"

#include <algorithm>
#include <array>

#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace gateway {

namespace {

constexpr std::string_view kPrefix = "mbx-";
constexpr std::size_t kDigits = 32;

}  // namespace

std::optional<MailboxId> MailboxId::parse(std::string_view text) {
    if (text.size() != kPrefix.size() + kDigits) {
        return std::nullopt;
    }
    std::string lower = lowered(text);
    const bool hex = std::all_of(lower.begin() + kPrefix.size(), lower.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
    if (!lower.starts_with(kPrefix) || !hex) {
        return std::nullopt;
    }
    return MailboxId(std::move(lower));
}

MailboxId MailboxId::generate() {
    std::array<std::byte, kDigits / 2> random{};
    fillRandom(random);
    return MailboxId(std::string(kPrefix) + hexOf(random));
}

}  // namespace gateway
