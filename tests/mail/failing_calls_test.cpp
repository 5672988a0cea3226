// Each system call failing once, in every way, while records are made, changed and imported: the
// old state or the new one, as was said; in memory, and to a process that starts afterwards.
#include <doctest/doctest.h>

#include "tests/base/faults.h"
#include "tests/mail/backup_fixture.h"

using namespace backup_test;
using shim::Outcome;
using shim::Trial;

namespace {

const MailboxId kId = *MailboxId::parse("mbx-0123456789abcdef0123456789abcdef");
const crypto::Password kFirst("pass word");  // RecordsFixture's

using Work = std::function<void(Side&)>;

void create(Side& side) {
    auto wanted = RecordsFixture::wanted("Archive");
    wanted.address = kId;
    side.running->create(std::move(wanted));
}

OpenKeys opened(const Side& side, const crypto::Password& password) {
    return openWithPassword(*side.find(kId), password);
}

/// All that counts, in a form that can be compared.
std::string stateOf(const RegistryKeeper& keeper) {
    Backup backup;
    backup.domain = "msgw.example.com";
    backup.hostname = "gw1.example.com";
    backup.at = WallTime();
    backup.records = keeper.records();
    return backup.toToml();
}

/// `change` says that it failed, and nothing has changed; or it returned, and all has. Then it can
/// be done again, or gone on from.
void expectAllOrNothing(const Work& before, const Work& change, const Work& goOn) {
    shim::keepFoldersInMemory();
    const auto trials = shim::everyFault([&](const Trial& trial) {
        Side side("gw1.example.com");
        before(side);
        const std::string old = side.backup();
        const auto [outcome, call] = shim::attempt<Error>(trial, [&] { change(side); });
        CAPTURE(call);
        const std::string now = side.backup();
        CHECK((now == old) == (outcome == Outcome::Failed));

        side.now += std::chrono::seconds(61);  // what looked like a slow copy is judged
        const auto restarted = side.keeper("gw1.example.com");
        CHECK(restarted->load()->findings().empty());
        const bool sameAfterwards = stateOf(*restarted) == now;
        CHECK(sameAfterwards);
        if (outcome == Outcome::Failed) {
            change(side);
        }
        goOn(side);
        CHECK(side.running->load()->findings().empty());
        return outcome;
    });
    MESSAGE(trials.all, " trials, ", trials.failed, " refused");
    CHECK(trials.failed > trials.all / 4);
    CHECK(trials.failed < trials.all);
}

}  // namespace

TEST_CASE("a mailbox is made, or an error and there is none") {
    expectAllOrNothing([](Side&) {}, create,
                       [](Side& side) {
                           CHECK(opened(side, kFirst).size() == 1);
                           CHECK_THROWS_AS(create(side), const Error&);  // there is one
                       });
}

TEST_CASE("a password is changed, or an error and the old one holds") {
    const crypto::Password second("second");
    expectAllOrNothing(
        create,
        [&](Side& side) {
            side.running->addKey(kId, second, opened(side, kFirst), crypto::kLeastCost);
        },
        [&](Side& side) {
            CHECK(opened(side, second).size() == 2);
            CHECK(opened(side, kFirst).empty());
        });
}

TEST_CASE("a mailbox is deleted, or an error and it is active") {
    expectAllOrNothing(
        create, [](Side& side) { side.running->setStatus(kId, MailboxStatus::Deleted); },
        [](Side& side) {
            CHECK(side.running->setStatus(kId, MailboxStatus::Active)->status ==
                  MailboxStatus::Active);
        });
}

TEST_CASE("a backup is imported, or an error and nothing of it") {
    Side other("gw2.example.com");
    create(other);
    const auto older = other.running->records();
    other.running->addKey(kId, kPassword, {}, crypto::kLeastCost);
    const auto records = other.running->records();
    const auto import = [&](Side& side) { side.running->import(records, true); };
    const auto goOn = [&](Side& side) {
        CHECK(opened(side, kPassword).size() == 1);
        side.running->describe(kId, "goes on", "");
    };
    SUBCASE("on a node that knows none of its mailboxes") {
        expectAllOrNothing([](Side& side) { side.running->create(RecordsFixture::wanted("Own")); },
                           import, goOn);
    }
    SUBCASE("on one that knows what an older backup says") {
        expectAllOrNothing([&](Side& side) { side.running->import(older, true); }, import, goOn);
    }
}
