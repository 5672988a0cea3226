// Recipients and identities as text: the Bech32 rules of the age specification.
#include "crypto/keys.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "crypto/bech32.h"
#include "gateway/base/text.h"
#include "tests/crypto/sample.h"

using crypto::OpenKey;
using crypto::SealKey;

namespace {

std::string upper(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    return result;
}

std::string bech32(std::string_view prefix, std::span<const std::byte> octets) {
    std::string text(crypto::bech32Size(prefix.size(), octets.size()), '\0');
    crypto::encodeBech32(prefix, octets, text);
    return text;
}

/// BIP 173's checksum over `groups`, written down a second time, so that texts can be made which no
/// encoder of ours writes.
std::string withChecksum(std::string_view prefix, std::string groups) {
    constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    std::vector<unsigned> values;
    for (const char c : prefix) {
        values.push_back(static_cast<unsigned>(c) >> 5);
    }
    values.push_back(0);
    for (const char c : prefix) {
        values.push_back(static_cast<unsigned>(c) & 31);
    }
    for (const char c : groups) {
        values.push_back(static_cast<unsigned>(kAlphabet.find(c)));
    }
    values.insert(values.end(), 6, 0);
    unsigned state = 1;
    for (const unsigned value : values) {
        const unsigned top = state >> 25;
        state = ((state & 0x1ffffff) << 5) ^ value;
        state ^= (top & 1 ? 0x3b6a57b2U : 0) ^ (top & 2 ? 0x26508e6dU : 0) ^
                 (top & 4 ? 0x1ea119faU : 0) ^ (top & 8 ? 0x3d4233ddU : 0) ^
                 (top & 16 ? 0x2a1462b3U : 0);
    }
    for (int shift = 25; shift >= 0; shift -= 5) {
        groups += kAlphabet[(state ^ 1) >> shift & 31];
    }
    return std::string(prefix) + '1' + groups;
}

}  // namespace

TEST_CASE("the pair printed in the age specification") {
    const std::optional<OpenKey> identity = OpenKey::parse(sample::kIdentity);
    REQUIRE(identity);
    CHECK(identity->sealKey().str() == sample::kRecipient);
    CHECK(identity->text().text() == sample::kIdentity);
    CHECK(
        std::ranges::all_of(identity->octets(), [](std::byte b) { return b == std::byte{0x42}; }));
    const std::optional<SealKey> recipient = SealKey::parse(sample::kRecipient);
    REQUIRE(recipient);
    CHECK(*recipient == identity->sealKey());
    CHECK(SealKey::fromOctets(recipient->octets()) == *recipient);
    CHECK(recipient->str().size() == 62);
}

TEST_CASE("a new identity is another one each time and comes back from its text") {
    const OpenKey first = OpenKey::generate();
    const OpenKey second = OpenKey::generate();
    CHECK(first.sealKey() != second.sealKey());
    const crypto::SecretBuffer text = first.text();
    const std::optional<OpenKey> again = OpenKey::parse(text.text());
    REQUIRE(again);
    CHECK(again->sealKey() == first.sealKey());
}

TEST_CASE("recipients are lower case, identities upper case, neither is mixed") {
    CHECK_FALSE(SealKey::parse(upper(sample::kRecipient)));
    CHECK_FALSE(OpenKey::parse(gateway::lowered(sample::kIdentity)));
    for (std::size_t i = 0; i < sample::kRecipient.size(); ++i) {
        std::string mixed(sample::kRecipient);
        mixed[i] = upper(mixed)[i];
        CHECK(SealKey::parse(mixed).has_value() == (mixed == sample::kRecipient));
    }
    for (std::size_t i = 0; i < sample::kIdentity.size(); ++i) {
        std::string mixed(sample::kIdentity);
        mixed[i] = gateway::lowered(mixed)[i];
        CHECK(OpenKey::parse(mixed).has_value() == (mixed == sample::kIdentity));
    }
}

TEST_CASE("one wrong character anywhere is noticed") {
    for (const char wrong : {'q', 'p', 'z', 'b', '1', ' ', '\0', '\x80'}) {
        for (std::size_t i = 0; i < sample::kRecipient.size(); ++i) {
            std::string text(sample::kRecipient);
            text[i] = wrong;
            CHECK(SealKey::parse(text).has_value() == (text == sample::kRecipient));
        }
    }
}

TEST_CASE("two neighbours swapped are noticed") {
    for (std::size_t i = 0; i + 1 < sample::kRecipient.size(); ++i) {
        std::string text(sample::kRecipient);
        std::swap(text[i], text[i + 1]);
        CHECK(SealKey::parse(text).has_value() == (text == sample::kRecipient));
    }
}

TEST_CASE("another prefix, another length, anything around it") {
    const std::array<std::byte, 33> octets{std::byte{7}};
    const auto of = [&](std::size_t size) { return std::span(octets).first(size); };
    CHECK(SealKey::parse(bech32("age", of(32))));
    CHECK_FALSE(SealKey::parse(bech32("age", of(31))));
    CHECK_FALSE(SealKey::parse(bech32("age", of(33))));
    CHECK_FALSE(SealKey::parse(bech32("agf", of(32))));
    CHECK_FALSE(SealKey::parse(bech32("age1tag", of(32))));
    CHECK_FALSE(SealKey::parse(bech32("age1pq", of(32))));
    CHECK(OpenKey::parse(bech32("AGE-SECRET-KEY-", of(32))));
    CHECK_FALSE(OpenKey::parse(bech32("AGE-SECRET-KEY-", of(31))));
    CHECK_FALSE(OpenKey::parse(bech32("AGE-SECRET-KEY-PQ-", of(32))));
    CHECK_FALSE(OpenKey::parse(bech32("AGE-PLUGIN-KEY-", of(32))));
    const std::string recipient(sample::kRecipient);
    CHECK_FALSE(SealKey::parse(recipient + " "));
    CHECK_FALSE(SealKey::parse(" " + recipient));
    CHECK_FALSE(SealKey::parse(recipient + "\n"));
    CHECK_FALSE(SealKey::parse(recipient.substr(0, 61)));
    CHECK_FALSE(SealKey::parse(""));
    CHECK_FALSE(SealKey::parse("age1"));
    CHECK_FALSE(SealKey::parse(sample::kIdentity));
    CHECK_FALSE(OpenKey::parse(sample::kRecipient));
}

TEST_CASE("stray bits behind the last octet are refused though the checksum is right") {
    // 52 groups hold 260 bits, four more than 32 octets.
    constexpr std::string_view kAllZero = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq";
    CHECK(SealKey::parse(withChecksum("age", std::string(kAllZero) + 'q')));
    CHECK(SealKey::parse(withChecksum("age", std::string(kAllZero) + 's')));        // 10000
    CHECK_FALSE(SealKey::parse(withChecksum("age", std::string(kAllZero) + 'p')));  // 00001
    CHECK_FALSE(SealKey::parse(withChecksum("age", std::string(kAllZero) + 'g')));  // 01000
}

TEST_CASE("Bech32 of BIP 173: its own valid example") {
    const std::array<std::byte, 0> none{};
    CHECK(bech32("a", none) == "a12uel5l");
    CHECK(bech32("A", none) == "A12UEL5L");
    CHECK(crypto::decodeBech32("A", "A12UEL5L", {}));
    CHECK_FALSE(crypto::decodeBech32("a", "A12UEL5L", {}));
    CHECK_FALSE(crypto::decodeBech32("a", "a12uel5m", {}));
}
