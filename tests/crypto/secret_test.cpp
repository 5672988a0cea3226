// Secrets in memory: moved, wiped, compared, never copied.
#include "crypto/secret.h"

#include <array>
#include <iostream>
#include <thread>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include "crypto/keys.h"
#include "crypto/password.h"
#include "crypto/signature.h"
#include "crypto/transient.h"
#include "tests/crypto/sample.h"

using crypto::SecretBuffer;

namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

template <typename T>
constexpr bool kGuarded = !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> &&
                          std::is_nothrow_move_constructible_v<T> && !Printable<T>;

static_assert(kGuarded<SecretBuffer> && kGuarded<crypto::Secret<32>> &&
              kGuarded<crypto::Password> && kGuarded<crypto::SigningKey>);
static_assert(!std::is_copy_constructible_v<crypto::OpenKey> && !Printable<crypto::OpenKey>);
static_assert(!std::is_copy_constructible_v<crypto::Transient<32>> &&
              !std::is_move_constructible_v<crypto::Transient<32>>);

}  // namespace

TEST_CASE("a new buffer is all zero, a moved one is empty") {
    SecretBuffer first(40);
    CHECK(first.text() == std::string(40, '\0'));
    first.writable()[0] = std::byte{7};
    SecretBuffer second(std::move(first));
    CHECK(second.size() == 40);
    CHECK(second.view()[0] == std::byte{7});
    // That is what is asked. NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
    CHECK(first.size() == 0);
    SecretBuffer third(3);
    third = std::move(second);
    CHECK(third.size() == 40);
    CHECK(SecretBuffer().view().empty());
    CHECK(SecretBuffer(0).text().empty());
}

TEST_CASE("wipe leaves zeros, of the empty nothing") {
    std::string text = "secret";
    crypto::wipe(std::span<char>(text));
    CHECK(text == std::string(6, '\0'));
    std::array<std::byte, 3> octets{std::byte{1}, std::byte{2}, std::byte{3}};
    crypto::wipe(std::span<std::byte>(octets));
    CHECK(octets == std::array<std::byte, 3>{});
    crypto::wipe(std::span<std::byte>());
}

TEST_CASE("a transient is wiped when its scope ends") {
    // Placed by hand, so that the octets can still be looked at.
    alignas(crypto::Transient<4>) std::array<std::byte, sizeof(crypto::Transient<4>)> place{};
    auto* const transient =
        std::construct_at(reinterpret_cast<crypto::Transient<4>*>(place.data()));
    transient->writable()[2] = std::byte{9};
    CHECK(place[2] == std::byte{9});
    std::destroy_at(transient);
    CHECK(place[2] == std::byte{0});
}

TEST_CASE("equality") {
    const auto equal = [](std::string_view left, std::string_view right) {
        return crypto::equalInConstantTime(gateway::octetsOf(left), gateway::octetsOf(right));
    };
    CHECK(equal("", ""));
    CHECK(equal("abc", "abc"));
    CHECK_FALSE(equal("abc", "abd"));
    CHECK_FALSE(equal("abc", "Abc"));
    CHECK_FALSE(equal("abc", "abcd"));
    CHECK_FALSE(equal("", "a"));
}

TEST_CASE("many threads at once may be the first to need libsodium") {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([] {
            const crypto::OpenKey key = crypto::OpenKey::generate();
            SecretBuffer buffer(key.text().view());
            if (!crypto::OpenKey::parse(buffer.text())) {
                std::abort();
            }
        });
    }
}

TEST_CASE("whether memory can be locked is told without harm, again and again") {
    CHECK(crypto::memoryLocked(1) == crypto::memoryLocked(1));
}
