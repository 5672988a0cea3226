// Argon2id hashes of passwords: those of the reference implementation, our own, and hostile ones.
#include "crypto/password_hash.h"

#include <string>

#include <doctest/doctest.h>

using crypto::Password;
using crypto::PasswordHash;

namespace {

/// From the reference implementation's own tests: password "password", salt "somesalt".
constexpr const char* kReference[] = {
    "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"};

}  // namespace

TEST_CASE("hashes of the reference implementation are recognised") {
    for (const char* text : kReference) {
        CAPTURE(text);
        const auto hash = PasswordHash::parse(text);
        REQUIRE(hash);
        CHECK(hash->str() == text);
        CHECK(hash->fits(Password("password")));
        CHECK(!hash->fits(Password("Password")));
        CHECK(!hash->fits(Password("password ")));
        CHECK(!hash->fits(Password("")));
    }
}

TEST_CASE("a hash of ours fits its password only, costs what RFC 9106 says, and has its own salt") {
    const Password password("correct horse \xC3\xA4");
    const PasswordHash one = PasswordHash::make(password);
    CHECK(one.str().starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
    CHECK(one.str() != PasswordHash::make(password).str());
    const auto read = PasswordHash::parse(one.str());
    REQUIRE(read);
    CHECK(read->fits(password));
    CHECK(!read->fits(Password("correct horse a")));
}

TEST_CASE("nobody's hash has the same form and fits nothing") {
    const PasswordHash nobody = PasswordHash::ofNobody();
    CHECK(PasswordHash::parse(nobody.str()));
    CHECK(nobody.str().starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
    CHECK(nobody.str().size() == PasswordHash::make(Password("x")).str().size());
    CHECK(!nobody.fits(Password("")));
    CHECK(!nobody.fits(Password("password")));
}

TEST_CASE("what is no hash, or would cost too much, is refused") {
    const std::string good = kReference[0];
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string text = good;
        return text.replace(text.find(from), from.size(), to);
    };
    CHECK(!PasswordHash::parse(""));
    CHECK(!PasswordHash::parse("password"));
    CHECK(!PasswordHash::parse(good.substr(0, good.size() - 1) + "!"));
    CHECK(!PasswordHash::parse(good + std::string(100, 'A')));
    CHECK(!PasswordHash::parse(good + std::string(1, '\0')));
    CHECK(!PasswordHash::parse(with("argon2id", "argon2i")));
    CHECK(!PasswordHash::parse(with("v=19", "v=16")));
    CHECK(!PasswordHash::parse(with("m=65536", "m=4194304")));
    CHECK(!PasswordHash::parse(with("m=65536", "m=-1")));
    CHECK(!PasswordHash::parse(with("m=65536", "m=99999999999999999999")));
    CHECK(!PasswordHash::parse(with("t=2", "t=1000")));
    CHECK(!PasswordHash::parse(with("t=2", "t=0")));
    CHECK(!PasswordHash::parse(with("p=1", "p=1000")));
    CHECK(!PasswordHash::parse(with(",p=1", "")));
}
