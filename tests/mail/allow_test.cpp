// Pins as a record states them: what they mean, what is refused, how people read them.
#include "gateway/mail/allow.h"

#include <doctest/doctest.h>

using gateway::Allow;
using nlohmann::json;

namespace {

Allow allow(const json& fields) {
    std::string why;
    const auto parsed = Allow::parse(fields, why);
    REQUIRE_MESSAGE(parsed, why);
    return *parsed;
}

std::string refusalOf(const json& fields) {
    std::string why;
    CHECK_FALSE(Allow::parse(fields, why));
    return why;
}

}  // namespace

TEST_CASE("nothing stated pins nothing") {
    const Allow none = allow(json::object());
    CHECK_FALSE(none.pins());
    CHECK(none.mode == Allow::Mode::Observe);
    CHECK(none.describe() == "everybody");
}

TEST_CASE("every pin is read, and described") {
    const Allow all = allow({{"mode", "enforce"},
                             {"networks", {"40.92.0.0/15", "2a01:111:f400::/48"}},
                             {"tls", "certificate"},
                             {"certificate_names", {"mail.protection.outlook.com"}},
                             {"originator_org", "contoso.onmicrosoft.com"},
                             {"only_journal_reports", true},
                             {"what_a_later_version_adds", 7}});
    CHECK(all.pins());
    CHECK(all.looksInside());
    CHECK(all.describe() ==
          "from 40.92.0.0/15 or 2a01:111:f400::/48, with a certificate for "
          "mail.protection.outlook.com, of the organisation contoso.onmicrosoft.com, journal "
          "reports only (enforced)");
    CHECK(allow({{"tls", "required"}}).describe() == "under TLS (observed only)");
    CHECK_FALSE(allow({{"tls", "required"}}).looksInside());
}

TEST_CASE("a malformed pin is refused by its name") {
    CHECK(refusalOf({{"mode", "strict"}}) == "`mode` is \"strict\"; write observe or enforce");
    CHECK(refusalOf({{"tls", 1}}) == "`tls` is no text");
    CHECK(refusalOf({{"networks", "10.0.0.0/8"}}) == "`networks` is no list, or too long");
    CHECK(refusalOf({{"networks", {"10.0.0.0/8", ""}}}) ==
          "`networks` holds something else than texts");
    CHECK(refusalOf({{"networks", {"10.0.0.0/40"}}}).starts_with("`networks` is malformed: "));
    CHECK(refusalOf({{"only_journal_reports", "yes"}}) ==
          "`only_journal_reports` is neither true nor false");
    CHECK(refusalOf({{"originator_org", json::array()}}) == "`originator_org` is no text");
    CHECK(refusalOf({{"tls", "certificate"}}).starts_with("`certificate_names` is missing"));
}
