// Texts sealed to passphrases and recipients, and their armor.
#include "crypto/sealed_text.h"

#include <doctest/doctest.h>

#include "crypto/age_stream.h"
#include "tests/crypto/sample.h"

using crypto::Password;
using Kind = gateway::Error::Kind;

namespace {

constexpr int kCheap = crypto::kLeastCost;

}  // namespace

TEST_CASE("a text under a passphrase opens with that passphrase only") {
    const Password password("correct horse");
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, crypto::kChunkSize, crypto::kChunkSize + 1}) {
        CAPTURE(size);
        const std::string text = sample::text(size);
        const std::string sealed = crypto::sealToPassphrase(text, password, kCheap);
        CHECK(crypto::openWithPassphrase(sealed, password)->text() == text);
        CHECK(crypto::openWithPassphrase(crypto::armor(sealed), password)->text() == text);
        for (const char* wrong : {"", "correct hors", "correct horse ", "Correct horse"}) {
            CHECK_FALSE(crypto::openWithPassphrase(sealed, Password(wrong)));
        }
    }
}

TEST_CASE("any octets are a passphrase, and the empty one is one too") {
    using namespace std::string_view_literals;
    for (const std::string_view text : {""sv, " "sv, "a\0b"sv, "\xff\xfe"sv, R"(\`'"$!{}&)"sv}) {
        const Password password(text);
        const std::string sealed = crypto::sealToPassphrase("text", password, kCheap);
        CHECK(crypto::openWithPassphrase(sealed, password)->text() == "text");
    }
    const std::string sealed = crypto::sealToPassphrase("text", Password("a\0b"sv), kCheap);
    CHECK_FALSE(crypto::openWithPassphrase(sealed, Password("a")));
}

TEST_CASE("a NUL at the end is an octet of a passphrase, although HMAC would not see it") {
    using namespace std::string_view_literals;
    const std::string sealed = crypto::sealToPassphrase("text", Password("secret"), kCheap);
    CHECK_FALSE(crypto::openWithPassphrase(sealed, Password("secret\0"sv)));
    CHECK_FALSE(crypto::openWithPassphrase(sealed, Password("secret\0\0"sv)));
    CHECK(sample::failureOf([&] {
              crypto::sealToPassphrase("text", Password("secret\0"sv), kCheap);
          }) == Kind::Config);
}

TEST_CASE("the cost is written as asked for, and none that we would not open") {
    const Password password("secret");
    CHECK(crypto::sealToPassphrase("", password, 10).find(" 10\n") != std::string::npos);
    CHECK(crypto::sealToPassphrase("", password, 15).find(" 15\n") != std::string::npos);
    for (const int cost : {-1, 0, 9, 19, 64}) {
        CHECK(sample::failureOf([&] { crypto::sealToPassphrase("", password, cost); }) ==
              Kind::Internal);
    }
}

TEST_CASE("a damaged text is an error, not a wrong passphrase, wherever the passphrase was right") {
    const Password password("secret");
    const std::string sealed = crypto::sealToPassphrase("a text to damage", password, kCheap);
    const std::size_t body = sealed.find('\n', 22) + 1;
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        // Changes of salt, cost and wrapped key cannot be told from a wrong passphrase.
        if (i >= 22 && i < body + 44) {
            continue;
        }
        std::string changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        CAPTURE(i);
        CHECK(sample::failureOf([&] { crypto::openWithPassphrase(changed, password); }) ==
              Kind::Corrupt);
    }
    for (std::size_t size = 0; size < sealed.size(); ++size) {
        CAPTURE(size);
        CHECK(sample::failureOf([&] {
                  crypto::openWithPassphrase(sealed.substr(0, size), password);
              }) == Kind::Corrupt);
    }
    CHECK(sample::failureOf([&] { crypto::openWithPassphrase(sealed + 'x', password); }) ==
          Kind::Corrupt);
}

TEST_CASE("a text of many chunks: cut, lengthened, with an exchanged chunk") {
    const crypto::OpenKey key = sample::identity();
    const std::string text = sample::text(2 * crypto::kChunkSize + 9);
    const std::string sealed = crypto::sealToRecipient(text, key.sealKey());
    CHECK(crypto::openWithIdentity(sealed, key)->text() == text);
    const auto refused = [&](const std::string& file) {
        return sample::failureOf([&] { crypto::openWithIdentity(file, key); }) == Kind::Corrupt;
    };
    const std::size_t start = crypto::kHeaderSize + crypto::kNonceSize;
    const std::size_t chunk = crypto::kChunkSize + crypto::kTagSize;
    CHECK(refused(sealed.substr(0, start)));
    CHECK(refused(sealed.substr(0, start + chunk)));
    CHECK(refused(sealed.substr(0, start + 2 * chunk)));
    CHECK(refused(sealed.substr(0, start + 2 * chunk + 16)));
    CHECK(refused(sealed + std::string(17, 'x')));
    CHECK(refused(sealed.substr(0, start) + sealed.substr(start + chunk, chunk) +
                  sealed.substr(start, chunk) + sealed.substr(start + 2 * chunk)));
}

TEST_CASE("a text for another identity gives nothing; one for a passphrase too") {
    const crypto::OpenKey key = sample::identity();
    const std::string sealed = crypto::sealToRecipient("text", key.sealKey());
    CHECK(crypto::openWithIdentity(sealed, key)->text() == "text");
    CHECK(crypto::openWithIdentity(crypto::armor(sealed), key)->text() == "text");
    CHECK_FALSE(crypto::openWithIdentity(sealed, crypto::OpenKey::generate()));
    const Password password("secret");
    CHECK_FALSE(crypto::openWithIdentity(crypto::sealToPassphrase("", password, kCheap), key));
    CHECK(sample::failureOf([&] { crypto::openWithPassphrase(sealed, password); }) ==
          Kind::Corrupt);
}

TEST_CASE("armor has 64 columns and comes back for every length") {
    for (std::size_t size = 0; size <= 200; ++size) {
        const std::string binary = sample::text(size);
        const std::string armored = crypto::armor(binary);
        CAPTURE(armored);
        CHECK(armored.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
        CHECK(armored.ends_with("\n-----END AGE ENCRYPTED FILE-----\n"));
        CHECK(crypto::dearmor(armored) == binary);
    }
    CHECK(crypto::armor(std::string(49, '\0')).find(std::string(64, 'A') + "\nAA==\n") !=
          std::string::npos);
}

TEST_CASE("armor that was edited is none") {
    const std::string good = crypto::armor(std::string(50, 'x'));
    const std::size_t body = good.find('\n') + 1;
    CHECK(crypto::dearmor(" \r\n\t" + good + "\n\n  "));
    std::string crlf;
    for (const char c : good) {
        crlf += c == '\n' ? "\r\n" : std::string(1, c);
    }
    CHECK(crypto::dearmor(crlf) == std::string(50, 'x'));
    const auto with = [&](std::size_t place, std::string_view inserted) {
        return std::string(good).insert(place, inserted);
    };
    for (const char* inserted : {"\n", " ", "\t", "\r", "A", "=", "Version: 1\n\n", "-"}) {
        CAPTURE(inserted);
        CHECK_FALSE(crypto::dearmor(with(body, inserted)));
        CHECK_FALSE(crypto::dearmor(with(body + 10, inserted)));
        CHECK_FALSE(crypto::dearmor(with(body + 65, inserted)));
    }
    CHECK_FALSE(crypto::dearmor("x" + good));
    CHECK_FALSE(crypto::dearmor(good + "x"));
    CHECK_FALSE(crypto::dearmor(good + good));
    CHECK_FALSE(crypto::dearmor(gateway::lowered(good)));
    CHECK_FALSE(crypto::dearmor(good.substr(0, good.find("-----END"))));
    CHECK_FALSE(crypto::dearmor(""));
    CHECK(sample::failureOf([&] {
              crypto::openWithIdentity(with(body, "\n"), sample::identity());
          }) == Kind::Corrupt);
}
