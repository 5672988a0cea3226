// The program is killed at any of its system calls: of a record there is then the old or the new
// one, whole, in config/ and in node/; the next start makes both the same, and nobody is surprised.
#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "gateway/mail/record_folder.h"
#include "tests/mail/records_fixture.h"

namespace fs = std::filesystem;
using namespace gateway;

namespace {

using Work = std::function<void(RegistryKeeper&)>;

class KilledFixture : public RecordsFixture {
public:
    /// In a child that is killed in place of its n-th call. Whether it came to its end.
    bool finishes(unsigned n, const std::function<void()>& work) const {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::_exit(workUntil(n, work));
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        const bool finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        REQUIRE((finished || killed));
        return finished;
    }

    /// How many statements a whole, undamaged copy of the record has there; 0 where it is not.
    std::size_t statementsIn(const fs::path& records) const {
        const auto found = RecordFolder::read(layout, records / id.str(), id);
        CHECK(found.problem.empty());
        CHECK(found.foreign.empty());
        std::size_t statements = 0;
        for (const auto& [node, file] : found.files) {
            REQUIRE(file.state == RecordFile::State::Good);
            for (const Statement& statement : file.file->statements) {
                CHECK(statement.signedBy(file.file->nodeKey));
                ++statements;
            }
        }
        return statements;
    }

    const MailboxId id = *MailboxId::parse("mbx-0123456789abcdef0123456789abcdef");

private:
    static int workUntil(unsigned n, const std::function<void()>& work) {
        try {
            unsigned seen = 0;
            const shim::Watch watch(
                [&seen, n](const std::string&) { return ++seen == n ? ::raise(SIGKILL) : 0; });
            work();
        } catch (const std::exception&) {
            return 1;
        }
        return 0;
    }
};

/// Kills `change` at each of its calls. `statements`: how many there are before and after.
void expectOldOrNew(const Work& before, const Work& change, std::size_t old, std::size_t fresh) {
    shim::keepFoldersInMemory();
    unsigned n = 1;
    unsigned olds = 0;
    for (bool finished = false; !finished; ++n) {
        CAPTURE(n);
        KilledFixture fixture;
        auto keeper = fixture.keeper();
        keeper->load();
        before(*keeper);
        finished = fixture.finishes(n, [&] { change(*keeper); });
        const std::size_t known = fixture.statementsIn(fixture.layout.knownRecords());
        const std::size_t config = fixture.statementsIn(fixture.layout.records());
        REQUIRE((known == old || known == fresh));
        REQUIRE((config == old || config == fresh));
        REQUIRE(known >= config);                // node/ first
        REQUIRE((!finished || known == fresh));  // config/ may wait for a copy under way
        olds += known == old ? 1 : 0;

        fixture.now += std::chrono::seconds(61);
        const auto healed = fixture.keeper()->load();
        CHECK(healed->findings().empty());
        CHECK((healed->find(fixture.id) != nullptr) == (known > 0));
        CHECK(fixture.statementsIn(fixture.layout.knownRecords()) == known);
        CHECK(fixture.statementsIn(fixture.layout.records()) == known);
        auto next = fixture.keeper();
        CHECK(next->load()->findings().empty());
        if (known > 0) {
            CHECK(next->describe(fixture.id, "goes on", "")->name == "goes on");
        }
    }
    CHECK(n > 6);
    CHECK(olds > 2);
    CHECK(olds < n - 1);
}

const MailboxId kId = *MailboxId::parse("mbx-0123456789abcdef0123456789abcdef");
const std::string kPassword = "pass word";

void create(RegistryKeeper& keeper) {
    auto wanted = RecordsFixture::wanted("Archive");
    wanted.address = kId;
    keeper.create(std::move(wanted));
}

void reset(RegistryKeeper& keeper) {
    keeper.addKey(kId, crypto::Password("second"), {}, crypto::kLeastCost);
}

}  // namespace

TEST_CASE("killed while a mailbox is made") {
    expectOldOrNew([](RegistryKeeper&) {}, create, 0, 4);
}

TEST_CASE("killed while a password is changed") {
    expectOldOrNew(
        create,
        [](RegistryKeeper& keeper) {
            const OpenKeys older =
                openWithPassword(*keeper.current()->find(kId), crypto::Password(kPassword));
            keeper.addKey(kId, crypto::Password("second"), older, crypto::kLeastCost);
        },
        4, 5);
}

TEST_CASE("killed while a password is reset") { expectOldOrNew(create, reset, 4, 5); }

TEST_CASE("killed while an earlier password is taken in") {
    expectOldOrNew(
        [](RegistryKeeper& keeper) {
            create(keeper);
            reset(keeper);
        },
        [](RegistryKeeper& keeper) {
            const auto mailbox = keeper.current()->find(kId);
            keeper.addChain(kId, openWithEarlier(*mailbox, crypto::Password(kPassword), {}));
        },
        5, 6);
}

TEST_CASE("killed while a mailbox is deleted") {
    expectOldOrNew(
        create, [](RegistryKeeper& keeper) { keeper.setStatus(kId, MailboxStatus::Deleted); }, 4,
        5);
}

TEST_CASE("killed while a backup is imported: all of what it says about the mailbox, or nothing") {
    RecordsFixture other;
    auto theirs = other.keeper();
    theirs->load();
    create(*theirs);
    const std::vector<Record> old = theirs->records();
    reset(*theirs);
    const std::vector<Record> fresh = theirs->records();
    SUBCASE("on a new node") {
        expectOldOrNew([](RegistryKeeper&) {},
                       [&](RegistryKeeper& keeper) { keeper.import(fresh, false); }, 0, 5);
    }
    SUBCASE("on one that knows what an older backup says") {
        expectOldOrNew([&](RegistryKeeper& keeper) { keeper.import(old, false); },
                       [&](RegistryKeeper& keeper) { keeper.import(fresh, false); }, 4, 5);
    }
}

TEST_CASE("killed while a copied configuration is taken over") {
    RecordsFixture first;
    auto keeper = first.keeper();
    keeper->load();
    create(*keeper);
    reset(*keeper);
    unsigned n = 1;
    for (bool finished = false; !finished; ++n) {
        CAPTURE(n);
        KilledFixture second;
        const Node node = second.node("gw2.example.com");
        fs::create_directories(second.layout.config());
        fs::copy(first.layout.config(), second.layout.config(), fs::copy_options::recursive);
        finished = second.finishes(n, [&second] { second.keeper("gw2.example.com")->load(); });
        auto next = second.keeper("gw2.example.com");
        const auto mailbox = next->load()->find(second.id);
        REQUIRE(mailbox);
        CHECK(mailbox->keys.size() == 2);
        CHECK(mailbox->heldBack == 0);
        CHECK(next->current()->findings().empty());
    }
    CHECK(n > 10);
}

TEST_CASE("killed during the first start of a node") {
    unsigned n = 1;
    for (bool finished = false; !finished; ++n) {
        CAPTURE(n);
        const KilledFixture fixture;
        finished = fixture.finishes(n, [&fixture] { fixture.node(); });
        const NodeId id = fixture.node().id();
        CHECK(fixture.node().id() == id);
    }
    CHECK(n > 5);
}
