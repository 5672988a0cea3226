// The table of mailboxes: searched, sorted, and turned page by page while it changes.
#include "webui/mailbox_list.h"

#include <chrono>
#include <cstdio>
#include <set>

#include <doctest/doctest.h>

#include "webui/api.h"

namespace {

using nlohmann::json;
using webui::MailboxQuery;
using webui::pageOf;

json mailbox(const std::string& address, const std::string& name, unsigned waiting,
             const json& oldest = nullptr, const std::string& status = "active") {
    return {{"address", address},
            {"name", name},
            {"description", "of " + name},
            {"status", status},
            {"waiting", {{"messages", waiting}, {"oldest", oldest}}},
            {"last_received", nullptr},
            {"last_fetched", oldest}};
}

const json kThree = json::array({mailbox("mbx-1", "beta", 10, "2026-01-02T00:00:00Z"),
                                 mailbox("mbx-2", "Alpha", 9, "2026-01-01T00:00:00Z", "suspended"),
                                 mailbox("mbx-3", "gamma", 0)});

std::string addresses(const json& mailboxes, const std::map<std::string, std::string>& query) {
    const json page = pageOf(mailboxes, MailboxQuery::parse(query));
    std::string all;
    for (const json& row : page.at("mailboxes")) {
        all += row.at("address").get<std::string>().substr(4);
    }
    return all;
}

}  // namespace

TEST_CASE("sorted either way; what has no time comes last both ways") {
    CHECK(addresses(kThree, {}) == "213");
    CHECK(addresses(kThree, {{"order", "desc"}}) == "312");
    CHECK(addresses(kThree, {{"sort", "waiting"}}) == "321");
    CHECK(addresses(kThree, {{"sort", "waiting"}, {"order", "desc"}}) == "123");
    CHECK(addresses(kThree, {{"sort", "oldest"}}) == "213");
    CHECK(addresses(kThree, {{"sort", "oldest"}, {"order", "desc"}}) == "123");
    CHECK(addresses(kThree, {{"sort", "last_fetched"}, {"order", "desc"}}) == "123");
    CHECK(addresses(kThree, {{"sort", "last_received"}, {"order", "desc"}}) == "123");
    CHECK(addresses(kThree, {{"sort", "status"}}) == "132");
}

TEST_CASE("searched by words, in name, description and address, in any case") {
    CHECK(addresses(kThree, {{"search", "ALPHA"}}) == "2");
    CHECK(addresses(kThree, {{"search", "of a"}}) == "213");
    CHECK(addresses(kThree, {{"search", "mbx-3@msgw.example.com"}}) == "3");
    CHECK(addresses(kThree, {{"search", "alpha beta"}}).empty());
    CHECK(addresses(kThree, {{"status", "suspended"}}) == "2");
    const json page = pageOf(kThree, MailboxQuery::parse({{"search", "alpha"}}));
    CHECK(page.at("total") == 3);
    CHECK(page.at("matching") == 1);
    CHECK(page.at("next").is_null());
}

TEST_CASE("page by page each is seen once, though rows come and go meanwhile") {
    json many = json::array();
    for (int i = 0; i < 57; ++i) {
        const json oldest =
            i % 3 == 0 ? json() : json("2026-01-0" + std::to_string(1 + i % 5) + "T");
        many.push_back(mailbox("mbx-" + std::to_string(100 + i), "same", 5, oldest));
    }
    for (const char* order : {"asc", "desc"}) {
        for (const char* sort : {"name", "oldest", "waiting"}) {
            json now = many;
            std::map<std::string, std::string> query{
                {"sort", sort}, {"order", order}, {"limit", "10"}};
            std::multiset<std::string> seen;
            for (bool more = true; more;) {
                const json page = pageOf(now, MailboxQuery::parse(query));
                for (const json& row : page.at("mailboxes")) {
                    seen.insert(row.at("address").get<std::string>());
                }
                more = page.at("next").is_string();
                if (more) {
                    query["after"] = page.at("next").get<std::string>();
                    const auto last = page.at("mailboxes").back();  // goes before the next page
                    now.erase(std::find(now.begin(), now.end(), last));
                }
            }
            CHECK_MESSAGE(seen.size() == many.size(), sort, order);
            CHECK_MESSAGE(std::set(seen.begin(), seen.end()).size() == many.size(), sort, order);
        }
    }
}

TEST_CASE("thousands") {
    json many = json::array();
    for (unsigned i = 0; i < 5000; ++i) {
        const std::string number = std::to_string(100'000 + i * 7919 % 5000);
        many.push_back(mailbox("mbx-" + number, "Kanzlei " + number, i, "2026-01-01T00:00:00Z"));
    }
    const auto begun = std::chrono::steady_clock::now();
    const json page = pageOf(many, MailboxQuery::parse({{"sort", "waiting"}, {"order", "desc"}}));
    const json found = pageOf(many, MailboxQuery::parse({{"search", "104711"}}));
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
    CHECK(page.at("mailboxes").size() == 100);
    CHECK(page.at("mailboxes").front().at("waiting").at("messages") == 4999);
    CHECK(found.at("matching") == 1);
    std::printf("figure: 5,000 mailboxes sorted and searched in %.0f ms\n", took.count());
}

TEST_CASE("what cannot be asked for is refused") {
    using Query = std::map<std::string, std::string>;
    for (const Query& query :
         {Query{{"sort", "password"}}, Query{{"order", "up"}}, Query{{"limit", "0"}},
          Query{{"limit", "501"}}, Query{{"limit", "-1"}}, Query{{"status", "gone"}},
          Query{{"after", "zz"}}, Query{{"after", "6"}}, Query{{"after", "616263"}},
          Query{{"after", "0a"}}}) {
        CHECK_THROWS_AS(MailboxQuery::parse(query), webui::Refused);
    }
}
