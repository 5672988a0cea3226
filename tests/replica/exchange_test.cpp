// What twins send each other: whatever octets come, what is made of them was signed by the node it
// is said to be of, and is bounded by their number.
#include "gateway/replica/exchange.h"

#include <algorithm>
#include <random>

#include <doctest/doctest.h>

#include "gateway/replica/greeting.h"

using namespace gateway;
using namespace gateway::replica;

namespace {

struct Speaker {
    NodeId id = NodeId::generate();
    crypto::SigningKey key = crypto::SigningKey::generate();

    NodeFile file(const MailboxId& mailbox, std::uint64_t statements,
                  const std::string& text = "Archive") const {
        NodeFile file(id, key.verifyKey(), "gw.example.com");
        for (std::uint64_t counter = 1; counter <= statements; ++counter) {
            file.add(Statement::make(mailbox, id, key, counter, WallTime(), "describe",
                                     {{"name", text}, {"description", "x-later"}}));
        }
        return file;
    }
};

RecordDigests digestsOf(const std::vector<std::pair<MailboxId, NodeFile>>& files) {
    RecordDigests digests;
    for (const auto& [mailbox, file] : files) {
        digests.try_emplace({mailbox, file.node, file.nodeKey}, digestOf(file));
    }
    return digests;
}

Bundle joined(const std::vector<std::string>& bundles) {
    Bundle all;
    for (const std::string& each : bundles) {
        auto bundle = parseBundle(each);
        REQUIRE(bundle);
        all.files += bundle->files;
        all.refused += bundle->refused;
        std::move(bundle->records.begin(), bundle->records.end(), std::back_inserter(all.records));
    }
    return all;
}

}  // namespace

TEST_CASE("a list comes out as it went in, and nothing else is one") {
    const Speaker one;
    const Speaker other;
    const MailboxId mailbox = MailboxId::generate();
    const auto digests = digestsOf({{mailbox, one.file(mailbox, 2)},
                                    {mailbox, other.file(mailbox, 1)},
                                    {MailboxId::generate(), one.file(mailbox, 1)}});
    const std::string text = formatList(digests);
    CHECK(parseList(text) == digests);
    CHECK(parseList("")->empty());
    CHECK_FALSE(parseList(text.substr(0, text.size() - 1)));
    CHECK_FALSE(parseList(text + text));  // out of order
    CHECK_FALSE(parseList("\n" + text));
    CHECK_FALSE(parseList(std::string(kMostList + 1, 'x')));
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string damaged = text;
        damaged[at] = damaged[at] == 'F' ? 'G' : 'F';
        const auto read = parseList(damaged);
        CHECK((!read || *read != digests));
    }
}

TEST_CASE("what lacks is found, whichever side it is") {
    const Speaker node;
    const MailboxId same = MailboxId::generate();
    const MailboxId longer = MailboxId::generate();
    const MailboxId missing = MailboxId::generate();
    const auto ours = digestsOf({{same, node.file(same, 1)}, {longer, node.file(longer, 1)}});
    const auto theirs = digestsOf({{same, node.file(same, 1)},
                                   {longer, node.file(longer, 2)},
                                   {missing, node.file(missing, 1)}});
    CHECK(lackingOf(ours, theirs).size() == 2);
    CHECK(lackingOf(theirs, ours).size() == 1);
    CHECK(lackingOf(ours, ours).empty());
    CHECK(differingMailboxes(ours, theirs) == 2);
    CHECK(digestOf(ours) != digestOf(theirs));
    CHECK(digestOf(ours) == digestOf(RecordDigests(ours)));
}

TEST_CASE("what a node is called is not compared, for nobody has signed it") {
    const Speaker node;
    const MailboxId mailbox = MailboxId::generate();
    NodeFile file = node.file(mailbox, 1);
    const std::string before = digestOf(file);
    file.nodeName = "another";
    CHECK(digestOf(file) == before);
}

TEST_CASE("a bundle comes out as it went in, with fields that a later version added") {
    const Speaker node;
    BundleWriter writer;
    std::vector<std::pair<MailboxId, NodeFile>> files;
    for (int i = 0; i < 20; ++i) {
        const MailboxId mailbox = MailboxId::generate();
        NodeFile file = node.file(mailbox, 3);
        file.add(Statement::make(mailbox, node.id, node.key, 4, WallTime(), "of-a-later-version",
                                 {{"anything", {1, 2, 3}}}));
        writer.add(mailbox, file);
        files.emplace_back(mailbox, file);
    }
    const Bundle bundle = joined(writer.take());
    CHECK(bundle.files == 20);
    CHECK(bundle.refused == 0);
    REQUIRE(bundle.records.size() == 20);
    for (std::size_t i = 0; i < files.size(); ++i) {
        const auto& [mailbox, file] = files[i];
        CHECK(bundle.records[i].mailbox() == mailbox);
        CHECK(digestOf(bundle.records[i].files().begin()->second) == digestOf(file));
    }
}

TEST_CASE("a large file goes in parts that make it up again, none too large to be taken") {
    const Speaker node;
    const MailboxId mailbox = MailboxId::generate();
    const NodeFile file = node.file(mailbox, 60, std::string(40'000, 'x'));
    BundleWriter writer;
    writer.add(mailbox, file);
    const auto parts = writer.take();
    CHECK(parts.size() > 1);
    Record whole(mailbox);
    for (const std::string& part : parts) {
        CHECK(part.size() <= kMostBundle);
        const auto bundle = parseBundle(part);
        REQUIRE(bundle);
        for (const Record& record : bundle->records) {
            whole.unite(record);
        }
    }
    REQUIRE(whole.files().size() == 1);
    CHECK(digestOf(whole.files().begin()->second) == digestOf(file));
}

TEST_CASE("a bundle is full long before it is too large") {
    const Speaker node;
    BundleWriter writer;
    std::size_t files = 0;
    for (; !writer.isFull(); ++files) {
        const MailboxId mailbox = MailboxId::generate();
        writer.add(mailbox, node.file(mailbox, 2));
    }
    CHECK(files > 100);
    const auto parts = writer.take();
    REQUIRE(parts.size() == 1);
    CHECK(parts.front().size() < kMostBundle / 2);
}

TEST_CASE("a statement that its file's node has not signed is left out, the others count") {
    const Speaker node;
    const Speaker thief;
    const MailboxId mailbox = MailboxId::generate();
    NodeFile forged = node.file(mailbox, 2);
    for (const Statement& each : thief.file(mailbox, 5, "Redirected").statements) {
        forged.add(each);  // under the other's name and key
    }
    BundleWriter writer;
    writer.add(mailbox, forged);
    const Bundle bundle = joined(writer.take());
    CHECK(bundle.refused == 1);
    REQUIRE(bundle.records.size() == 1);
    CHECK(digestOf(bundle.records[0].files().begin()->second) == digestOf(node.file(mailbox, 2)));
}

TEST_CASE("whatever is done to a bundle, nothing comes out that was not signed") {
    const Speaker node;
    const MailboxId mailbox = MailboxId::generate();
    const NodeFile file = node.file(mailbox, 3);
    BundleWriter writer;
    writer.add(mailbox, file);
    writer.add(MailboxId::generate(), file);  // signed for another mailbox: nothing of it counts
    const std::string text = writer.take().front();
    std::mt19937_64 random(20261122);
    std::size_t read = 0;
    for (int round = 0; round < 3000; ++round) {
        std::string damaged = text;
        for (auto strokes = random() % 4 + 1; strokes > 0; --strokes) {
            const std::size_t at = random() % damaged.size();
            switch (random() % 3) {
                case 0:
                    damaged[at] = static_cast<char>(random() % 256);
                    break;
                case 1:
                    damaged.erase(at, random() % 40);
                    break;
                default:
                    damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 40));
            }
            if (damaged.empty()) {
                break;
            }
        }
        const auto bundle = parseBundle(damaged);
        for (const Record& record : bundle ? bundle->records : std::vector<Record>()) {
            for (const auto& [key, each] : record.files()) {
                for (const Statement& statement : each.statements) {
                    ++read;
                    const bool known = record.mailbox() == mailbox &&
                                       std::find(file.statements.begin(), file.statements.end(),
                                                 statement) != file.statements.end();
                    REQUIRE(known);
                }
            }
        }
    }
    CHECK(read > 100);  // else nothing was tried
}

TEST_CASE("what is no bundle is none") {
    const std::string address = MailboxId::generate().str();
    for (const std::string& text :
         {std::string("x"), std::string("\n"), address + " 5\nabc", address + " 3\nabcd",
          address + " 18446744073709551615\nabc\n", address + " -1\nabc\n", address + "\nabc\n",
          address + " 99999999999999999999999\nabc\n", "MBX" + address.substr(3) + " 3\nabc\n"}) {
        CHECK_FALSE_MESSAGE(parseBundle(text), text);
    }
    CHECK(parseBundle("")->files == 0);
    const auto damaged = parseBundle(address + " 3\nabc\n");
    REQUIRE(damaged);
    CHECK(damaged->refused == 1);
    CHECK(damaged->records.empty());
}

TEST_CASE("a greeting comes out as it went in, and two that cannot be twins are told why") {
    const Speaker speaker;
    Greeting one(speaker.id, speaker.key.verifyKey());
    one.name = "gw1";
    one.domain = "msgw.example.com";
    one.digest = digestOf(RecordDigests());
    const auto read = Greeting::parse(one.toJson());
    REQUIRE(read);
    CHECK(read->toJson() == one.toJson());
    const Speaker another;
    Greeting other = one;
    other.node = another.id;
    CHECK(whyNoTwins(one, other).empty());
    other.domain = "elsewhere.example.com";
    CHECK(whyNoTwins(one, other).find("elsewhere.example.com") != std::string::npos);
    CHECK(whyNoTwins(one, one).find("a copy") != std::string::npos);
    auto later = one.toJson();
    later.update({{"something", {{"new", 1}}}, {"waiting", "a later form of it"}});
    CHECK(Greeting::parse(later)->node == one.node);
    later.update({{"format", 2}, {"version", "9.0"}, {"digest", nullptr}});
    const auto stranger = Greeting::parse(later);
    REQUIRE(stranger);
    const std::string why = whyNoTwins(one, *stranger);
    CHECK(why.find("version 9.0") != std::string::npos);
    CHECK(why.find("update the older one") != std::string::npos);
    for (const char* field : {"node", "node_key", "digest", "format"}) {
        auto damaged = one.toJson();
        damaged[field] = "x";
        CHECK_FALSE(Greeting::parse(damaged));
        damaged[field] = nlohmann::json::array();
        CHECK_FALSE(Greeting::parse(damaged));
        damaged.erase(field);
        CHECK_FALSE(Greeting::parse(damaged));
    }
    CHECK_FALSE(Greeting::parse("x"));
}
