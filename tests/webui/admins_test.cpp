// Web accounts and API tokens: what is recognised, what a file of ours, of later versions and of
// nobody says.
#include "webui/admins.h"

#include <string>
#include <sys/stat.h>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "tests/base/syscall_shim.h"
#include "tests/base/temporary_folder.h"

namespace {

using namespace gateway;
using namespace webui;
using crypto::Password;

const WallTime kNow = parseTimestamp("2026-11-22T10:00:00Z").value();
constexpr const char* kPassword = "correct horse battery";
constexpr const char* kHash =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

/// A file of one account, whose password is "password", with `more` after it.
std::string file(const std::string& more = {}) {
    return "format = 1\n[[admin]]\nname = \"anna\"\nat = 2026-11-22T10:00:00Z\npassword = \"" +
           std::string(kHash) + "\"\n" + more;
}

std::string problemOf(const std::string& text) { return Admins::parse(text).problem; }

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an account is recognised by its password, whatever the case of its name") {
    Admins admins;
    REQUIRE(admins.create("Anna", Password(kPassword), kNow));
    CHECK(!admins.create("anna", Password(kPassword), kNow));
    CHECK(admins.verify("ANNA", Password(kPassword)));
    CHECK(!admins.verify("anna", Password("correct horse batterY")));
    CHECK(!admins.verify("bert", Password(kPassword)));
    REQUIRE(admins.setPassword("anna", Password("another horse")));
    CHECK(!admins.verify("anna", Password(kPassword)));
    CHECK(admins.verify("anna", Password("another horse")));
    CHECK(!admins.setPassword("bert", Password(kPassword)));
    CHECK(!Admins().setPassword("bert", Password(kPassword)));
}

TEST_CASE("a token is recognised, has its scope, and is nowhere in the file") {
    Admins admins;
    const auto read = admins.addToken("Monitor", TokenScope::Read, kNow);
    const auto manage = admins.addToken("monitor", TokenScope::Manage, kNow);
    CHECK(read.text().size() == 8 + 48);
    CHECK(read.text().starts_with("postern_"));
    CHECK(read.text() != manage.text());
    CHECK(admins.scopeOf(read.text()) == TokenScope::Read);
    CHECK(admins.scopeOf(manage.text()) == TokenScope::Manage);
    REQUIRE(admins.find(read.text()) != nullptr);
    CHECK(admins.find(read.text())->name == "monitor");
    CHECK(!admins.scopeOf(""));
    CHECK(!admins.scopeOf("postern_"));
    CHECK(!admins.scopeOf(admins.tokens()[0].digest));
    CHECK(!admins.scopeOf(std::string(read.text()) + " "));
    CHECK(!holds(admins.text(), std::string(read.text().substr(8))));
    const auto again = Admins::parse(admins.text());
    REQUIRE_MESSAGE(again.admins, again.problem);
    CHECK(again.admins->scopeOf(manage.text()) == TokenScope::Manage);
    CHECK(again.admins->text() == admins.text());
}

TEST_CASE("what is removed opens nothing any more, and nobody else loses anything") {
    Admins admins;
    admins.create("anna", Password(kPassword), kNow);
    admins.create("bert", Password(kPassword), kNow);
    const auto annas = admins.addToken("anna", TokenScope::Read, kNow);
    const auto other = admins.addToken("anna", TokenScope::Manage, kNow);
    const auto berts = admins.addToken("bert", TokenScope::Read, kNow);
    const std::string id = admins.tokens()[0].id;
    CHECK(!admins.removeToken("bert", id));
    CHECK(admins.removeToken("anna", id));
    CHECK(!admins.removeToken("anna", id));
    CHECK(!admins.scopeOf(annas.text()));
    CHECK(admins.scopeOf(other.text()) == TokenScope::Manage);
    CHECK(admins.remove("Anna") == 2);
    CHECK(admins.remove("anna") == 0);
    CHECK(!admins.knows("anna"));
    CHECK(!admins.verify("anna", Password(kPassword)));
    CHECK(!admins.scopeOf(other.text()));
    CHECK(admins.verify("bert", Password(kPassword)));
    CHECK(admins.scopeOf(berts.text()) == TokenScope::Read);
    CHECK(admins.remove("bert") == 2);
    CHECK(Admins::parse(admins.text()).admins);
}

TEST_CASE("what a later version added stays, and a scope it invented opens nothing here") {
    auto reading = Admins::parse(
        "theme = \"dark\"\n" +
        file(
            "second_factor = \"totp\"\n[[token]]\nid = \"t1\"\nname = \"anna\"\nscope = \"audit\"\n"
            "at = 2026-11-22T10:00:00Z\nexpires = 2027-01-01T00:00:00Z\nsha256 = \"" +
            std::string(64, 'a') + "\"\n[[passkey]]\nname = \"anna\"\n"));
    REQUIRE_MESSAGE(reading.admins, reading.problem);
    Admins& admins = *reading.admins;
    CHECK(admins.tokens()[0].scope == "audit");
    CHECK(!parseScope(admins.tokens()[0].scope));
    CHECK(admins.verify("anna", Password("password")));
    admins.setPassword("anna", Password(kPassword));
    admins.addToken("anna", TokenScope::Read, kNow);
    const std::string text = admins.text();
    for (const char* kept : {"theme = \"dark\"", "second_factor = \"totp\"", "scope = \"audit\"",
                             "expires = \"2027-01-01T00:00:00Z\"", "[[passkey]]"}) {
        CHECK_MESSAGE(holds(text, kept), text);
    }
    CHECK(Admins::parse(text).admins->verify("anna", Password(kPassword)));
}

TEST_CASE("damage in one place is damage of the whole, and is named") {
    CHECK(Admins::parse(file()).admins);
    CHECK(holds(problemOf("format = 1\n[[admin"), "line 2"));
    CHECK(holds(problemOf(""), "format = 1"));
    CHECK(holds(problemOf("format = \"one\""), "format = 1"));
    CHECK(holds(problemOf("format = 1\nadmin = 3"), "[[tables]]"));
    CHECK(holds(problemOf("format = 1\ntoken = [3]"), "[[tables]]"));
    CHECK(
        holds(problemOf(file("[[admin]]\nname = \"bert\"\nat = 2026-11-22T10:00:00Z\n")), "bert"));
    CHECK(holds(problemOf(file().replace(file().find("m=256"), 5, "m=9999999")), "anna"));
    CHECK(holds(problemOf(file(file().substr(11))), "twice"));
    CHECK(holds(problemOf(file("[[token]]\nid = \"t1\"\nname = \"anna\"\nscope = \"read\"\n"
                               "at = 2026-11-22T10:00:00Z\nsha256 = \"AA\"\n")),
                "t1"));
    CHECK(Admins::parse("format = 2\n").newerFormat);
    CHECK(!Admins::parse("format = 0\n").newerFormat);
    CHECK(!Admins::parse("format = 2\n").admins);
}

TEST_CASE("names and passwords that are no good are refused with a reason") {
    for (const char* good : {"a", "Anna", "anna.b@example.com", "7", "a-b_c+d"}) {
        CHECK_MESSAGE(Admins::wrongWithName(good).empty(), good);
    }
    for (const char* bad : {"", " ", "-a", ".a", "a b", "a/b", "\xC3\xA4", "a\n", "a\""}) {
        CHECK_MESSAGE(!Admins::wrongWithName(bad).empty(), bad);
    }
    CHECK(!Admins::wrongWithName(std::string(65, 'a')).empty());
    const auto wrong = [](const std::string& password) {
        return Admins::wrongWithPassword("annaannaanna", Password(password));
    };
    CHECK(wrong(kPassword).empty());
    CHECK(wrong("zw\xC3\xB6lf Zeichen").empty());
    CHECK(holds(wrong("elf zeichen"), "12 characters"));
    CHECK(holds(wrong("\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"), "12 characters"));
    CHECK(holds(wrong(std::string(1025, 'x')), "1024"));
    CHECK(holds(wrong("correct\thorse battery"), "control"));
    CHECK(holds(wrong("AnnaAnnaAnna"), "name"));
    CHECK(holds(wrong(std::string(20, 'x')), "again"));
}

TEST_CASE(
    "the file is its owner's alone, replaced in one step, and left alone where it is not ours") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    CHECK(Admins::load(layout).accounts().empty());
    Admins admins;
    admins.create("anna", Password(kPassword), kNow);
    admins.save(layout);
    struct stat found{};
    REQUIRE(::stat(layout.admins().c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0600);
    CHECK(Admins::load(layout).text() == admins.text());

    Admins changed = Admins::load(layout);
    changed.addToken("anna", TokenScope::Read, kNow);
    std::size_t calls = 0;
    {
        const shim::Watch watch;
        changed.save(layout);
        calls = watch.calls().size();
    }
    CHECK(calls > 3);
    for (unsigned n = 1; n <= calls; ++n) {
        CAPTURE(n);
        writeDurably(layout.admins(), admins.text());
        {
            const shim::Watch watch(shim::failNth(n, EIO));
            CHECK_THROWS_AS(changed.save(layout), Error);
        }
        const std::string left = Admins::load(layout).text();
        CHECK((left == admins.text() || left == changed.text()));
    }
    for (const char* text : {"format = 7\n", "format = 1\n[[admin]]\n"}) {
        writeDurably(layout.admins(), text);
        CHECK_THROWS_WITH_AS(Admins::load(layout), doctest::Contains("left as it is"), Error);
    }
}
