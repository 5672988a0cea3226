// A mailbox's identity under its password, and what happens where somebody exchanged it.
#include <doctest/doctest.h>

#include "crypto/sealed_text.h"
#include "tests/crypto/sample.h"

using crypto::OpenKey;
using crypto::Password;
using Kind = gateway::Error::Kind;

namespace {

constexpr std::string_view kMailbox = "mbx-2a20342e96294505a35eb5c8364eb67c";
constexpr std::string_view kOtherMailbox = "mbx-2a20342e96294505a35eb5c8364eb67d";
constexpr int kCheap = crypto::kLeastCost;

/// Why openIdentity() refuses `text` sealed under "secret", for kMailbox and the sample's
/// recipient.
std::string refusalOf(const std::string& text) {
    const Password password("secret");
    const std::string sealed = crypto::sealToPassphrase(text, password, kCheap);
    std::string what;
    const auto kind = sample::failureOf(
        [&] {
            (void)crypto::openIdentity(sealed, kMailbox, sample::identity().sealKey(), password);
        },
        &what);
    return kind == Kind::Corrupt ? what : "";
}

std::string textOf(std::string_view mailbox, std::string_view recipient,
                   std::string_view identity) {
    std::string text("# Postern mailbox: ");
    text.append(mailbox).append("\n# recipient: ").append(recipient).append("\n");
    return text.append(identity).append("\n");
}

}  // namespace

TEST_CASE("an identity comes back with its password, with another one nothing does") {
    const Password password("secret");
    const OpenKey identity = OpenKey::generate();
    const std::string sealed = crypto::sealIdentity(identity, kMailbox, password, kCheap);
    const auto opened = crypto::openIdentity(sealed, kMailbox, identity.sealKey(), password);
    REQUIRE(opened);
    CHECK(opened->text().text() == identity.text().text());
    CHECK_FALSE(crypto::openIdentity(sealed, kMailbox, identity.sealKey(), Password("Secret")));
    CHECK_FALSE(crypto::openIdentity(sealed, kMailbox, identity.sealKey(), Password("")));
}

TEST_CASE("it is armored, of the cost for generated passwords, and its text is what is promised") {
    const Password password = Password::generate();
    const OpenKey identity = sample::identity();
    const std::string sealed = crypto::sealIdentity(identity, kMailbox, password);
    CHECK(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"));
    CHECK(crypto::dearmor(sealed)->find(" 15\n") != std::string::npos);
    CHECK(crypto::openWithPassphrase(sealed, password)->text() ==
          textOf(kMailbox, sample::kRecipient, sample::kIdentity));
}

TEST_CASE("an identity sealed to another recipient: the chain and the recovery key") {
    const OpenKey older = sample::identity();
    const OpenKey newer = OpenKey::generate();
    const std::string sealed = crypto::sealIdentity(older, kMailbox, newer.sealKey());
    CHECK(crypto::openIdentity(sealed, kMailbox, older.sealKey(), newer)->sealKey() ==
          older.sealKey());
    CHECK_FALSE(crypto::openIdentity(sealed, kMailbox, older.sealKey(), older));
    CHECK(sample::failureOf([&] {
              (void)crypto::openIdentity(sealed, kOtherMailbox, older.sealKey(), newer);
          }) == Kind::Corrupt);
    CHECK(sample::failureOf([&] {
              (void)crypto::openIdentity(sealed, kMailbox, newer.sealKey(), newer);
          }) == Kind::Corrupt);
}

TEST_CASE("what names another mailbox or recipient, or holds another identity, was exchanged") {
    const OpenKey other = OpenKey::generate();
    const crypto::SecretBuffer otherIdentity = other.text();
    const std::string_view recipient = sample::kRecipient;
    CHECK(refusalOf(textOf(kMailbox, recipient, sample::kIdentity)).empty());
    CHECK(refusalOf(textOf(kOtherMailbox, recipient, sample::kIdentity)) ==
          "sealed identity: it names " + std::string(kOtherMailbox) + ", not " +
              std::string(kMailbox));
    CHECK(refusalOf(textOf(kMailbox, other.sealKey().str(), otherIdentity.text())) ==
          "sealed identity: it names " + other.sealKey().str() + ", not " + std::string(recipient));
    CHECK(refusalOf(textOf(kMailbox, recipient, otherIdentity.text())) ==
          "sealed identity: its identity is that of " + other.sealKey().str() + ", not of " +
              std::string(recipient));
}

TEST_CASE("a text of any other form was not made by us") {
    const std::string good = textOf(kMailbox, sample::kRecipient, sample::kIdentity);
    CHECK_FALSE(refusalOf("").empty());
    CHECK_FALSE(refusalOf(std::string(sample::kIdentity) + "\n").empty());
    CHECK_FALSE(refusalOf("\n" + good).empty());
    CHECK_FALSE(refusalOf(good + "\n").empty());
    CHECK_FALSE(refusalOf(good + std::string(sample::kIdentity) + "\n").empty());
    CHECK_FALSE(refusalOf(gateway::lowered(good)).empty());
    for (std::size_t size = 0; size < good.size(); ++size) {
        CHECK_FALSE(refusalOf(good.substr(0, size)).empty());
    }
}

TEST_CASE("an error never repeats what the text says of the identity, nor raw control characters") {
    const std::string identity(sample::kIdentity);
    CHECK(refusalOf(textOf(kMailbox, sample::kRecipient, identity + "X")).find("SECRET") ==
          std::string::npos);
    CHECK(refusalOf(textOf("\x1b[2J", sample::kRecipient, identity)).find('\x1b') ==
          std::string::npos);
}

TEST_CASE("a mailbox name that would break the lines is refused") {
    for (const char* name : {"mbx-1\nx", "mbx 1", "mbx\x7f", "mbx-\xc3\xa9"}) {
        CHECK(sample::failureOf([&] {
                  crypto::sealIdentity(sample::identity(), name, Password("x"), kCheap);
              }) == Kind::Internal);
    }
}
