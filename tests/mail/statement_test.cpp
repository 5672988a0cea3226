// Statements: what is signed is what is meant, what is malformed is refused with its reason, and
// nothing is lost on the way through TOML.
#include "gateway/mail/statement.h"

#include <random>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "gateway/mail/canonical_json.h"
#include "gateway/mail/statement_toml.h"

using namespace gateway;
using nlohmann::json;

namespace {

const MailboxId kMailbox = *MailboxId::parse("mbx-0123456789abcdef0123456789abcdef");
const NodeId kNode = *NodeId::parse("n-0123456789abcdef0123456789abcdef");
const WallTime kTime = *parseTimestamp("2026-11-22T10:00:00Z");

Statement describe(const crypto::SigningKey& key, std::uint64_t counter, const std::string& name) {
    return Statement::make(kMailbox, kNode, key, counter, kTime, "describe",
                           {{"name", name}, {"description", "d"}});
}

std::string whyNot(const json& fields) {
    std::string why;
    return Statement::parse(kMailbox, kNode, fields, why) ? "" : why;
}

}  // namespace

TEST_CASE("the canonical form is that of RFC 8785") {
    // Section 3.2.3 of the RFC: sorted by UTF-16 code units, so U+1F600 comes before U+FB33.
    const json value{
        {"\u20ac", "Euro"},      {"\r", "CR"},          {"\ufb33", "Dalet"},      {"1", "One"},
        {"\U0001f600", "Smile"}, {"\u0080", "Control"}, {"\u00f6", "o diaeresis"}};
    CHECK(canonicalJson(value) ==
          "{\"\\r\":\"CR\",\"1\":\"One\",\"\u0080\":\"Control\",\"\u00f6\":\"o diaeresis\","
          "\"\u20ac\":\"Euro\",\"\U0001f600\":\"Smile\",\"\ufb33\":\"Dalet\"}");
    CHECK(canonicalJson(json("\b\t\n\f\r\"\\/\x1f\x7f\u20ac")) ==
          "\"\\b\\t\\n\\f\\r\\\"\\\\/\\u001f\x7f\u20ac\"");
    CHECK(canonicalJson(json{true, false, 0, -5, 9007199254740991, json::object(),
                             json::array()}) == "[true,false,0,-5,9007199254740991,{},[]]");
}

TEST_CASE("what has no exact canonical form is refused") {
    json deep = 1;
    for (int i = 0; i < 40; ++i) {
        deep = json::array({deep});
    }
    for (const json& value : {json(1.5), json(nullptr), json(9007199254740992),
                              json(-9007199254740992), json(18446744073709551615ULL), json("\xff"),
                              json("\xed\xa0\x80"), json("\xc0\xaf"), json{{"\xff", 1}}, deep}) {
        CHECK_FALSE(canonicalJson(value));
    }
}

TEST_CASE("a statement is signed over all its fields, the mailbox and the node") {
    const auto key = crypto::SigningKey::generate();
    const Statement statement = describe(key, 7, "Archive");
    CHECK(statement.canonical() ==
          "{\"address\":\"mbx-0123456789abcdef0123456789abcdef\",\"at\":\"2026-11-22T10:00:00Z\","
          "\"counter\":7,\"description\":\"d\",\"kind\":\"describe\",\"name\":\"Archive\","
          "\"node\":\"n-0123456789abcdef0123456789abcdef\"}");
    CHECK(statement.signedBy(key.verifyKey()));
    CHECK_FALSE(statement.signedBy(crypto::SigningKey::generate().verifyKey()));
    for (const auto& [field, value] : std::map<std::string, json>{
             {"name", "Other"}, {"counter", 8}, {"at", "2026-11-22T10:00:01Z"}, {"more", true}}) {
        CAPTURE(field);
        json fields = statement.fields();
        fields[field] = value;
        std::string why;
        const auto changed = Statement::parse(kMailbox, kNode, fields, why);
        REQUIRE(changed);
        CHECK_FALSE(changed->signedBy(key.verifyKey()));
    }
    std::string why;
    CHECK_FALSE(Statement::parse(MailboxId::generate(), kNode, statement.fields(), why)
                    ->signedBy(key.verifyKey()));
    CHECK_FALSE(Statement::parse(kMailbox, NodeId::generate(), statement.fields(), why)
                    ->signedBy(key.verifyKey()));
}

TEST_CASE("a malformed statement is refused, and why is said") {
    const auto key = crypto::SigningKey::generate();
    const std::string recipient = crypto::OpenKey::generate().sealKey().str();
    const json good = describe(key, 1, "n").fields();
    CHECK(whyNot(good).empty());
    for (const char* field : {"counter", "at", "kind", "signature", "name", "description"}) {
        CAPTURE(field);
        json fields = good;
        fields.erase(field);
        CHECK(whyNot(fields).find(field) != std::string::npos);
    }
    const auto changed = [](json base, const json& patch) {
        base.update(patch);
        return base;
    };
    const json keyed = changed(
        good, {{"kind", "key"}, {"recipient", recipient}, {"epoch", 1}, {"sealed_identity", "x"}});
    CHECK(whyNot(keyed).empty());
    for (const json& wrong : {json(),
                              json::array(),
                              changed(good, {{"counter", 0}}),
                              changed(good, {{"counter", -1}}),
                              changed(good, {{"counter", (1ULL << 52U) + 1}}),
                              changed(good, {{"counter", "1"}}),
                              changed(good, {{"counter", 18446744073709551615ULL}}),
                              changed(good, {{"at", "today"}}),
                              changed(good, {{"at", 5}}),
                              changed(good, {{"name", 1}}),
                              changed(good, {{"x", 1.5}}),
                              changed(good, {{"node", "n-1"}}),
                              changed(good, {{"address", "mbx-1"}}),
                              changed(good, {{"kind", "status"}, {"status", "gone"}}),
                              changed(good, {{"kind", "created"}, {"name", 1}}),
                              changed(keyed, {{"epoch", 0}}),
                              changed(keyed, {{"recipient", "age1x"}}),
                              changed(keyed, {{"sealed_identity", 1}}),
                              changed(keyed, {{"chain", 1}}),
                              changed(keyed, {{"chain", {1}}}),
                              changed(keyed, {{"chain", {{{"recipient", recipient}}}}}),
                              changed(good, {{"kind", "chain"}, {"to", recipient}}),
                              changed(good, {{"kind", "chain"}, {"chain", json::array()}})}) {
        CAPTURE(wrong.dump());
        CHECK_FALSE(whyNot(wrong).empty());
    }
}

TEST_CASE("a statement that cannot be said throws, and says so") {
    const auto key = crypto::SigningKey::generate();
    try {
        describe(key, 1, "\xff\xfe");
        FAIL("made a statement of what is no UTF-8");
    } catch (const Error& error) {
        CHECK(error.kind() == Error::Kind::Config);
        CHECK(std::string(error.what()).find("UTF-8") != std::string::npos);
    }
}

TEST_CASE("unknown kinds and fields are kept, and their signature stays good through TOML") {
    const auto key = crypto::SigningKey::generate();
    const Statement future = Statement::make(
        kMailbox, kNode, key, 3, kTime, "holiday",
        {{"until", "2027-01-01T00:00:00Z"}, {"odd key \"", {{"nested", {1, "two", true}}}}});
    CHECK(future.kind() == StatementKind::Other);
    std::string why;
    const auto back = parseToml(formatToml({{"statement", {future.fields()}}}), why);
    REQUIRE(back);
    const auto again = Statement::parse(kMailbox, kNode, back->at("statement").at(0), why);
    REQUIRE(again);
    CHECK(again->canonical() == future.canonical());
    CHECK(again->signedBy(key.verifyKey()));
}

TEST_CASE("TOML looks as the specification shows it") {
    const std::string text =
        formatToml({{"format", 1},
                    {"node", "n-1"},
                    {"statement",
                     {{{"counter", 7},
                       {"at", "2026-11-22T10:00:00Z"},
                       {"kind", "key"},
                       {"epoch", 2},
                       {"sealed_identity", "-----BEGIN-----\nabc\n-----END-----\n"},
                       {"signature", "s"},
                       {"chain", {{{"recipient", "age1"}, {"sealed", "x\ny\n"}}}}}}}});
    CHECK(text ==
          "format = 1\n"
          "node = \"n-1\"\n"
          "\n"
          "[[statement]]\n"
          "counter = 7\n"
          "at = 2026-11-22T10:00:00Z\n"
          "kind = \"key\"\n"
          "chain = [{recipient = \"age1\", sealed = \"\"\"\nx\ny\n\"\"\"}]\n"
          "epoch = 2\n"
          "sealed_identity = \"\"\"\n-----BEGIN-----\nabc\n-----END-----\n\"\"\"\n"
          "signature = \"s\"\n");
}

TEST_CASE("dates and times become text that stays the same on every further round") {
    std::string why;
    const auto first = parseToml(
        "[[statement]]\nat = 2026-11-22T12:00:00+02:00\nfine = 2026-11-22T10:00:00.25Z\n"
        "local = 2026-11-22T10:00:00\nday = 2026-11-22\nclock = 10:00:00\nfar = "
        "9999-01-01T00:00:00Z\n",
        why);
    REQUIRE(first);
    CHECK(first->at("statement").at(0).at("at") == "2026-11-22T10:00:00Z");
    CHECK(first->at("statement").at(0).at("day") == "2026-11-22");
    const auto second = parseToml(formatToml(*first), why);
    CHECK(second == first);
    CHECK(formatToml(*first).find("at = 2026-11-22T10:00:00Z\n") != std::string::npos);
}

TEST_CASE("any text survives the way through TOML") {
    std::mt19937 random(20261122);  // the same texts every time
    static const std::vector<std::string> kPieces{
        "\n",         "\"",      "\"\"\"", "\\", "'", "'''", "\t", "\r", std::string(1, '\0'),
        "\x1f",       "\x7f",    "a",      " ",  "#", "=",   "[",  "ü",  "€",
        "\U0001f600", "\\u0041", "{",      "."};
    for (int i = 0; i < 3000; ++i) {
        std::string text;
        for (auto left = random() % 8; left > 0; --left) {
            text += kPieces[random() % kPieces.size()];
        }
        std::string why;
        const json value{{"a", text}, {"list", {{{"t", text}, {"u", {text, {{"v", text}}}}}}}};
        const auto back = parseToml(formatToml(value), why);
        CAPTURE(why);
        REQUIRE(back);
        REQUIRE(*back == value);
    }
}

TEST_CASE("hostile nesting is refused before it is parsed, dots in text are not") {
    const auto repeated = [](const std::string& piece, int times) {
        std::string text;
        for (int i = 0; i < times; ++i) {
            text += piece;
        }
        return text;
    };
    std::string why;
    for (const std::string& hostile :
         {"a" + repeated(".a", 500'000) + " = 1\n", "[a" + repeated(".a", 500'000) + "]\n",
          "a = " + repeated("[", 500'000), "a = " + repeated("{a=", 500'000),
          "b = \"\\\"\"\na" + repeated(".a", 500'000) + " = 1\n",
          "b = '''\n'''\na" + repeated(" . \"a\"", 500'000) + " = 1\n",
          "a = \"unended\nb" + repeated(".a", 500'000) + " = 1\n"}) {
        CHECK_FALSE(parseToml(hostile, why));
        CHECK_FALSE(why.empty());
    }
    const std::string dots = repeated(".", 500);
    for (const std::string& harmless :
         {"a = \"" + dots + "\"\n", "a = '" + dots + "'\n", "a = \"\"\"\n" + dots + "\n\"\"\"\n",
          "# " + dots + "\na = 1\n", "a = \"\\\"" + dots + "\"\n", "a = '''\n'" + dots + "'''\n"}) {
        CAPTURE(harmless);
        CHECK(parseToml(harmless, why));
    }
    CHECK_FALSE(parseToml("a = 1\nb = = 2\n", why));
    CHECK(why.starts_with("line 2"));
}
