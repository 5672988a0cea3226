// Records that somebody else has had a hand in: forged, altered, unsigned, taken from another
// mailbox, doctored in a stolen backup. Held back, named, and mail goes to the key it went to.
#include <doctest/doctest.h>

#include "gateway/mail/statement_toml.h"
#include "tests/mail/records_fixture.h"

namespace fs = std::filesystem;
using namespace gateway;
using nlohmann::json;

namespace {

/// Ours, with two mailboxes and a twin that is trusted; and what an attacker has.
class ForgedFixture : public RecordsFixture {
public:
    ForgedFixture() {
        twin.keeper()->load();
        TrustedNodes nodes;
        REQUIRE(nodes.add(twin.node().id(), twin.node().key().verifyKey(), "paired"));
        makeDurableDirectory(layout.node());
        nodes.save(layout);
        running = keeper();
        running->load();
        id = running->create(wanted("Archive"))->id;
        other = running->create(wanted("Other"))->id;
        key = running->current()->find(id)->current()->recipient;
        good = read(configFile(id));
    }

    /// A statement that would lead mail to the attacker's key.
    json redirecting() const {
        return {{"recipient", thief.sealKey().str()},
                {"epoch", 7},
                {"sealed_identity",
                 crypto::sealIdentity(thief, id.str(), crypto::Password("x"), crypto::kLeastCost)}};
    }

    /// The file of `node`, with a statement more that `signer` has signed for `mailbox`.
    std::string fileWith(const Node& node, const MailboxId& mailbox, const json& fields) const {
        NodeFile file(node.id(), node.key().verifyKey(), node.name());
        file.add(Statement::make(mailbox, node.id(), node.key(), 50, now, "key", fields));
        return Record::toToml(mailbox, file);
    }

    /// Whatever lies in config/: mail is sealed to the key it was sealed to, `file` is named for
    /// `reason`, also after a restart, and when a minute has passed.
    void expectNoEffect(const fs::path& file, const std::string& reason) {
        REQUIRE(running->changed());
        for (int round = 0; round < 4; ++round) {
            CAPTURE(round);
            if (round == 2) {
                running = keeper();
            }
            const auto registry = running->load();
            const auto mailbox = registry->find(id);
            REQUIRE(mailbox);
            CHECK(mailbox->current()->recipient == key);
            CHECK(mailbox->keys.size() == 1);
            CHECK(mailbox->name == "Archive");
            CHECK(mailbox->status == MailboxStatus::Active);
            const bool named =
                std::any_of(registry->findings().begin(), registry->findings().end(),
                            [&](const Finding& finding) {
                                return finding.path == file.native() &&
                                       finding.text.find(reason) != std::string::npos;
                            });
            CHECK((named || wasPutAside(file)));
            CHECK_FALSE(mentionsThief(read(knownFile(id))));
            now += std::chrono::seconds(61);
        }
        CHECK(running->describe(id, "Still ours", "")->current()->recipient == key);
    }

    static bool wasPutAside(const fs::path& file) {
        return fs::exists(file.native() + ".damaged-1");
    }
    bool mentionsThief(const std::string& text) const {
        return text.find(thief.sealKey().str()) != std::string::npos;
    }

    RecordsFixture twin;
    std::unique_ptr<RegistryKeeper> running;
    MailboxId id = MailboxId::generate();
    MailboxId other = id;
    crypto::SealKey key = crypto::OpenKey::generate().sealKey();
    crypto::OpenKey thief = crypto::OpenKey::generate();
    std::string good;
};

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), with);
}

/// The file with `fields` as one more statement, as a text editor adds it.
std::string withStatement(const std::string& file, json fields, const std::string& signature) {
    std::string why;
    json document = *parseToml(file, why);
    fields["counter"] = 50;
    fields["at"] = "2026-11-22T10:00:00Z";
    fields["kind"] = "key";
    if (!signature.empty()) {
        fields["signature"] = signature;
    }
    document["statement"].push_back(std::move(fields));
    return formatToml(document);
}

}  // namespace

TEST_CASE("a foreign node's file leads no mail to its key") {
    ForgedFixture fixture;
    RecordsFixture stranger;
    const fs::path file = fixture.layout.recordFile(fixture.id, stranger.node().id());
    RecordsFixture::write(file,
                          fixture.fileWith(stranger.node(), fixture.id, fixture.redirecting()));
    fixture.expectNoEffect(file, "does not trust node");
    CHECK(fixture.mentionsThief(RecordsFixture::read(file)));  // kept, for the admin to see
}

TEST_CASE("a statement added to our own file does not count, whoever signed it") {
    ForgedFixture fixture;
    const fs::path file = fixture.configFile(fixture.id);
    std::string signature;
    std::string reason = "the signature is not that of the node";
    SUBCASE("nobody") { reason = "`signature` is missing"; }
    SUBCASE("nothing that is a signature") { signature = "AAAA"; }
    SUBCASE("a stranger") {
        const auto forger = crypto::SigningKey::generate();
        signature = Statement::make(fixture.id, fixture.node().id(), forger, 50, fixture.now, "key",
                                    fixture.redirecting())
                        .fields()["signature"];
    }
    SUBCASE("us, but another statement") {
        std::string why;
        const json document = *parseToml(fixture.good, why);
        signature = document["statement"].back()["signature"];
    }
    RecordsFixture::write(file, withStatement(fixture.good, fixture.redirecting(), signature));
    fixture.expectNoEffect(file, reason);
    CHECK(RecordsFixture::read(file).find(fixture.key.str()) != std::string::npos);
}

TEST_CASE("a recipient exchanged in our own file does not count") {
    ForgedFixture fixture;
    const fs::path file = fixture.configFile(fixture.id);
    RecordsFixture::write(file,
                          replaced(fixture.good, fixture.key.str(), fixture.thief.sealKey().str()));
    fixture.expectNoEffect(file, "the signature is not that of the node");
}

TEST_CASE("a doctored backup leads no mail away, though every file of it claims to be a friend's") {
    ForgedFixture fixture;
    const auto forger = crypto::SigningKey::generate();
    const auto claiming = [&](const NodeId& node, const crypto::VerifyKey& key) {
        NodeFile file(node, key, "friend");
        file.add(Statement::make(fixture.id, node, forger, 50, fixture.now, "key",
                                 fixture.redirecting()));
        const fs::path path = fixture.layout.recordFile(fixture.id, node);
        RecordsFixture::write(path, Record::toToml(fixture.id, file));
        return path;
    };
    SUBCASE("the twin's id and its own key") {
        fixture.expectNoEffect(claiming(fixture.twin.node().id(), forger.verifyKey()),
                               "does not trust node");
    }
    SUBCASE("the twin's id and the twin's key") {
        fixture.expectNoEffect(
            claiming(fixture.twin.node().id(), fixture.twin.node().key().verifyKey()),
            "the signature is not that of the node");
    }
    SUBCASE("our id and its own key") {
        fixture.expectNoEffect(claiming(fixture.node().id(), forger.verifyKey()),
                               "does not trust node");
    }
    SUBCASE("our id and our key") {
        fixture.expectNoEffect(claiming(fixture.node().id(), fixture.node().key().verifyKey()),
                               "the signature is not that of the node");
    }
}

TEST_CASE("what was said about one mailbox says nothing about another") {
    ForgedFixture fixture;
    // The attacker owns one mailbox here, and knows its password: its key would do.
    SUBCASE("our own file") {
        const fs::path file = fixture.configFile(fixture.id);
        fs::copy_file(fixture.configFile(fixture.other), file,
                      fs::copy_options::overwrite_existing);
        fixture.expectNoEffect(file, "the signature is not that of the node");
    }
    SUBCASE("a trusted twin's file") {
        const fs::path file = fixture.layout.recordFile(fixture.id, fixture.twin.node().id());
        RecordsFixture::write(
            file, fixture.fileWith(fixture.twin.node(), fixture.other, fixture.redirecting()));
        fixture.expectNoEffect(file, "the signature is not that of the node");
    }
    SUBCASE("one statement of it") {
        std::string why;
        const json foreign =
            *parseToml(RecordsFixture::read(fixture.configFile(fixture.other)), why);
        json fields = foreign["statement"].back();
        const std::string signature = fields["signature"];
        const fs::path file = fixture.configFile(fixture.id);
        std::string text = withStatement(fixture.good, fields, signature);
        text = replaced(text, "counter = 50",
                        "counter = " + foreign["statement"].back()["counter"].dump());
        RecordsFixture::write(file, text);
        fixture.expectNoEffect(file, "the signature is not that of the node");
    }
}

TEST_CASE("what a later version says keeps its fields on every way") {
    ForgedFixture fixture;
    const Node twin = fixture.twin.node();
    NodeFile file(twin.id(), twin.key().verifyKey(), "twin");
    const json unknown{{"x", "new"}, {"list", {1, 2}}, {"table", {{"deep", "er"}}}};
    json described = unknown;
    described.update({{"name", "Renamed"}, {"description", ""}});
    json key = fixture.redirecting();
    key.update(unknown);
    file.add(Statement::make(fixture.id, file.node, twin.key(), 60, fixture.now, "later", unknown));
    file.add(
        Statement::make(fixture.id, file.node, twin.key(), 61, fixture.now, "describe", described));
    file.add(Statement::make(fixture.id, file.node, twin.key(), 62, fixture.now, "key", key));
    const fs::path path = fixture.layout.recordFile(fixture.id, file.node);
    RecordsFixture::write(path, Record::toToml(fixture.id, file));
    fixture.now += std::chrono::seconds(61);
    CHECK(fixture.running->load()->find(fixture.id)->name == "Renamed");
    CHECK(fixture.running->current()->findings().empty());
    const auto expectAll = [&](const fs::path& where) {
        std::string why;
        const auto read = Record::fromToml(fixture.id, RecordsFixture::read(where), why);
        REQUIRE(read);
        REQUIRE(read->statements.size() == 3);
        for (std::size_t i = 0; i < 3; ++i) {
            CHECK(read->statements[i].fields() == file.statements[i].fields());
            CHECK(read->statements[i].signedBy(file.nodeKey));
            CHECK(read->statements[i].fields()["table"]["deep"] == "er");
        }
    };
    expectAll(fixture.layout.knownRecordFile(fixture.id, file.node));
    fs::remove(path);
    fixture.running->load();
    expectAll(path);  // written back from node/
    fs::remove_all(fixture.layout.knownRecords());
    fixture.keeper()->load();
    expectAll(fixture.layout.knownRecordFile(fixture.id, file.node));
}
