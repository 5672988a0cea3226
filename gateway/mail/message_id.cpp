#include "gateway/mail/message_id.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "gateway/base/random.h"
#include "gateway/base/text.h"

namespace gateway {

namespace {

constexpr std::string_view kForm = "00000000-0000-7000-v000-000000000000";

/// The 60 ordered bits of the newest id: 48 of Unix milliseconds, then the 12 of rand_a, used as a
/// counter (RFC 9562 section 6.2, method 1; a full counter runs over into the milliseconds).
std::atomic<std::uint64_t> newest{0};

std::uint64_t nextOrdered(WallTime now, std::uint64_t random) {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
    // Each millisecond begins at a random place in the lower half, so that two nodes differ in
    // their order too and 2048 more ids fit.
    const std::uint64_t fresh =
        (static_cast<std::uint64_t>(elapsed.count()) << 12U) | (random & 0x7FFU);
    std::uint64_t before = newest.load();
    std::uint64_t next = 0;
    do {
        next = std::max(before + 1, fresh);
    } while (!newest.compare_exchange_weak(before, next));
    return next;
}

}  // namespace

std::optional<MessageId> MessageId::parse(std::string_view text) {
    if (text.size() != kForm.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        const char c = text[i];
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        const bool variant = c == '8' || c == '9' || c == 'a' || c == 'b';
        const bool right = kForm[i] == '0' ? hex : kForm[i] == 'v' ? variant : c == kForm[i];
        if (!right) {
            return std::nullopt;
        }
    }
    return MessageId(std::string(text));
}

MessageId MessageId::generate(WallTime now) {
    std::array<std::byte, 10> random{};
    fillRandom(random);
    const std::uint64_t ordered =
        nextOrdered(now, std::to_integer<std::uint64_t>(random[8]) |
                             (std::to_integer<std::uint64_t>(random[9]) << 8U));
    std::array<std::byte, 16> octets{};
    for (unsigned i = 0; i < 6; ++i) {
        octets.at(i) = static_cast<std::byte>((ordered >> (52U - 8U * i)) & 0xFFU);
    }
    octets[6] = static_cast<std::byte>(0x70U | ((ordered >> 8U) & 0x0FU));  // version 7
    octets[7] = static_cast<std::byte>(ordered & 0xFFU);
    std::copy_n(random.begin(), 8, octets.begin() + 8);
    octets[8] = (octets[8] & std::byte{0x3F}) | std::byte{0x80};  // the variant of RFC 9562
    std::string text = hexOf(octets);
    for (const std::size_t at : {20U, 16U, 12U, 8U}) {
        text.insert(at, 1, '-');
    }
    return MessageId(std::move(text));
}

}  // namespace gateway
