// Sessions of the page: when they end, and what recognises them.
#include "webui/sessions.h"

#include <doctest/doctest.h>

#include "webui/opaque_token.h"

using webui::digestOf;
using webui::Sessions;
using namespace std::chrono_literals;

namespace {

const Sessions::Time kStart{};

Sessions sessions() { return Sessions({30min, 12h}); }

}  // namespace

TEST_CASE("a session ends after its idle time, whatever was asked in between by nobody") {
    Sessions all = sessions();
    const auto digest = digestOf(all.open("anna", "hash", kStart).id);
    CHECK(all.find(digest, kStart + 29min) != nullptr);
    CHECK(all.find(digest, kStart + 30min) == nullptr);  // a look alone does not prolong it
    CHECK(all.count() == 0);
}

TEST_CASE("use prolongs it, but not beyond its length") {
    Sessions all = sessions();
    const auto digest = digestOf(all.open("anna", "hash", kStart).id);
    for (auto now = 0min; now < 12h; now += 20min) {
        REQUIRE(all.find(digest, kStart + now) != nullptr);
        all.touch(digest, kStart + now);
    }
    CHECK(all.find(digest, kStart + 12h) == nullptr);
}

TEST_CASE("ids and tokens are long, never the same, and only their digests recognise them") {
    Sessions all = sessions();
    const auto one = all.open("anna", "hash", kStart);
    const auto other = all.open("anna", "hash", kStart);
    CHECK(one.id.size() == 64);
    CHECK(one.csrf.size() == 64);
    CHECK(one.id != other.id);
    CHECK(one.csrf != other.csrf);
    CHECK(one.id != one.csrf);
    CHECK(all.find(one.id, kStart) == nullptr);
    CHECK(all.find(digestOf(""), kStart) == nullptr);
    CHECK(all.find(digestOf(one.id), kStart)->csrf == one.csrf);
}

TEST_CASE("a renewed session is the same under another id") {
    Sessions all = sessions();
    const auto old = all.open("anna", "hash", kStart);
    const auto id = all.renew(digestOf(old.id), "other hash", kStart + 1min);
    REQUIRE(id);
    CHECK(*id != old.id);
    CHECK(all.find(digestOf(old.id), kStart + 1min) == nullptr);
    const auto* const now = all.find(digestOf(*id), kStart + 1min);
    REQUIRE(now != nullptr);
    CHECK(now->csrf == old.csrf);
    CHECK(now->credential == "other hash");
    CHECK(now->ends == kStart + 12h);
    CHECK(!all.renew(digestOf(old.id), "hash", kStart));
}

TEST_CASE("who logs in again and again costs himself his oldest session, and nobody else's") {
    Sessions all = sessions();
    const auto berts = digestOf(all.open("bert", "hash", kStart).id);
    const auto first = digestOf(all.open("anna", "hash", kStart).id);
    const auto second = digestOf(all.open("anna", "hash", kStart + 1s).id);
    for (std::size_t i = 2; i <= Sessions::kMostOfOne; ++i) {
        all.open("anna", "hash", kStart + 2s);
    }
    CHECK(all.find(first, kStart + 2s) == nullptr);
    CHECK(all.find(second, kStart + 2s) != nullptr);
    CHECK(all.find(berts, kStart + 2s) != nullptr);
    CHECK(all.count() == Sessions::kMostOfOne + 1);
    CHECK(all.close(second));
    CHECK(!all.close(second));
}
