// Generated passwords: what they are made of, and how much chance is in them.
#include "crypto/password.h"

#include <array>
#include <cmath>
#include <set>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

using crypto::Password;

namespace {

/// Every character that 2000 passwords showed, but for the separator; whether all of 55 came up is
/// decided by odds of 1 in 10^475.
std::set<char> seenCharacters() {
    std::set<char> seen;
    for (int i = 0; i < 2000; ++i) {
        const Password password = Password::generate();
        seen.insert(password.view().begin(), password.view().end());
    }
    seen.erase('-');
    return seen;
}

}  // namespace

TEST_CASE("a generated password carries at least 150 random bits") {
    const Password password = Password::generate();
    std::size_t drawn = 0;
    for (const char c : password.view()) {
        drawn += c == '-' ? 0U : 1U;
    }
    CHECK(drawn == 30);
    const double bits = static_cast<double>(drawn) * std::log2(seenCharacters().size());
    CHECK(bits >= 150);
    CHECK(bits == doctest::Approx(173.4).epsilon(0.001));
}

TEST_CASE("its characters are letters and digits that nobody mistakes, and need no quoting") {
    const std::set<char> seen = seenCharacters();
    CHECK(seen.size() == 55);
    for (const char c : seen) {
        CAPTURE(c);
        const bool letterOrDigit =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        CHECK(letterOrDigit);
        CHECK(std::string_view("0Oo1Iil").find(c) == std::string_view::npos);
    }
}

TEST_CASE("it is six groups of five, short enough for POP3, and does not begin with a dash") {
    for (int i = 0; i < 100; ++i) {
        const Password password = Password::generate();
        const std::string_view text = password.view();
        REQUIRE(text.size() == 35);
        CHECK(text.size() <= 40);  // RFC 1939 3: the longest argument
        for (std::size_t place = 0; place < text.size(); ++place) {
            CHECK((text[place] == '-') == (place % 6 == 5));
        }
    }
}

TEST_CASE("no two are alike, and no character is favoured, nowhere and in all") {
    constexpr int kDrawn = 11'000;  // 200 of each character at each of 30 places, 6000 in all
    std::set<std::string> all;
    std::array<std::array<int, 128>, 35> atPlace{};
    std::array<int, 128> inAll{};
    for (int i = 0; i < kDrawn; ++i) {
        const Password password = Password::generate();
        all.emplace(password.view());
        for (std::size_t place = 0; place < password.view().size(); ++place) {
            const auto character = static_cast<std::size_t>(password.view()[place]);
            ++atPlace[place][character];
            ++inAll[character];
        }
    }
    CHECK(all.size() == kDrawn);
    for (std::size_t character = 0; character < inAll.size(); ++character) {
        if (inAll[character] == 0 || character == '-') {
            continue;
        }
        CHECK(std::abs(inAll[character] - 6000) < 620);  // eight standard deviations
        for (std::size_t place = 0; place < atPlace.size(); ++place) {
            CHECK((place % 6 == 5 || std::abs(atPlace[place][character] - 200) < 120));
        }
    }
}

TEST_CASE("what was typed is kept octet for octet, and the caller's copy is not touched") {
    using namespace std::string_view_literals;
    constexpr auto kTyped = " p\0ss `\\\"w\xff "sv;
    const Password password(kTyped);
    CHECK(password.view() == kTyped);
    CHECK(password.view().data() != kTyped.data());
    CHECK(Password("").view().empty());
    static_assert(!std::is_copy_constructible_v<Password> && !std::is_copy_assignable_v<Password>);
}
