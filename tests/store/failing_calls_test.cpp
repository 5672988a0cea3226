// Each system call of the store failing once, in every way: what was promised is there, whole; what
// was not has left nothing. Then all goes on as if nothing had been.
#include <algorithm>
#include <cerrno>

#include <doctest/doctest.h>

#include "gateway/base/error.h"
#include "gateway/store/deposit.h"
#include "tests/base/faults.h"
#include "tests/store/store_fixture.h"

namespace fs = std::filesystem;
using gateway::Deposit;
using gateway::DirectoryStore;
using gateway::Drop;
using gateway::Error;
using gateway::MessageId;
using gateway::octetsOf;
using gateway::Restoration;
using shim::Outcome;
using shim::Trial;

namespace {

/// File systems differ in what they can do; the program has a second way for each.
struct FileSystem {
    std::string name;
    shim::Watch::Before refuses;
};

const std::array<FileSystem, 3>& fileSystems() {
    static const std::array<FileSystem, 3> all{
        {{"as it is", [](const std::string&) { return 0; }},
         {"without O_TMPFILE",
          [](const std::string& call) {
              return call.starts_with("open ") && call.ends_with("/.") ? EOPNOTSUPP : 0;
          }},
         {"without RENAME_NOREPLACE",
          [](const std::string& call) { return call.starts_with("rename ") ? EINVAL : 0; }}}};
    return all;
}

/// Calls `judge(fileSystem, trial)` for all there is; returns what it saw.
template <typename Judge>
shim::Trials everyFault(Judge judge) {
    shim::keepFoldersInMemory();
    shim::Trials sum;
    for (const FileSystem& fileSystem : fileSystems()) {
        CAPTURE(fileSystem.name);
        const auto trials =
            shim::everyFault([&](const Trial& trial) { return judge(fileSystem, trial); });
        sum.all += trials.all;
        sum.failed += trials.failed;
    }
    return sum;
}

/// A store, three mailboxes, and a message that takes several writes.
class Deliveries : public StoreFixture {
public:
    Deliveries() {
        for (int i = 0; i < 3; ++i) {
            keys.push_back(crypto::OpenKey::generate());
            drops.emplace_back(gateway::MailboxId::generate(), keys.back().sealKey());
        }
        for (std::size_t i = 0; i < 70'000; ++i) {
            message += static_cast<char>('a' + i % 23);
        }
    }

    MessageId deliver(std::size_t mailboxes) {
        std::vector<Deposit::Copy> copies;
        for (std::size_t i = 0; i < mailboxes; ++i) {
            copies.emplace_back(drops[i], "For: " + std::to_string(i) + "\r\n");
        }
        Deposit deposit(store, MessageId::generate(), std::move(copies));
        deposit.append(octetsOf(message).first(40'001));
        deposit.append(octetsOf(message).subspan(40'001));
        deposit.commit();
        return deposit.id();
    }

    bool isWhole(gateway::MessageStore& from, std::size_t nth, const MessageId& id) const {
        const auto outgoing = from.open(drops[nth], id);
        if (!outgoing) {
            return false;
        }
        crypto::Opener opener(keys[nth]);
        std::string plaintext;
        std::array<std::byte, 5000> buffer{};
        while (const std::size_t got = outgoing->read(buffer)) {
            opener.open(std::span(buffer).first(got), plaintext);
        }
        opener.finish(plaintext);
        return plaintext == "For: " + std::to_string(nth) + "\r\n" + message;
    }

    /// Just these, whole, by what the store says and by what it says after a restart, and no other
    /// file at all; but for the name that `call` could not take away, which the restart does.
    void expectOnly(std::size_t mailboxes, const std::vector<MessageId>& ids,
                    const std::string& call = "") {
        DirectoryStore restarted(layout);
        CHECK(restarted.sweep() == (isOfLeftOver(call) ? 1 : 0));
        CHECK(files().size() == mailboxes * ids.size());
        for (std::size_t i = 0; i < mailboxes; ++i) {
            for (gateway::MessageStore* const each : {&store, &restarted}) {
                CHECK(idsOf(each->list(drops[i])) == ids);
                for (const MessageId& id : ids) {
                    CHECK(isWhole(*each, i, id));
                }
            }
        }
    }

    static bool isOfLeftOver(const std::string& call) {
        return call.starts_with("unlink ") &&
               call.find(gateway::kTemporaryPrefix) != std::string::npos;
    }

    DirectoryStore store{layout};
    std::vector<crypto::OpenKey> keys;
    std::vector<Drop> drops;
    std::string message;
};

void expectAllOrNothing(std::size_t mailboxes, bool known) {
    const auto trials = everyFault([&](const FileSystem& fileSystem, const Trial& trial) {
        Deliveries side;
        std::vector<MessageId> there;
        if (known) {
            there.push_back(side.deliver(mailboxes));
        }
        const auto [outcome, call] = shim::attempt<Error>(
            trial, [&] { there.push_back(side.deliver(mailboxes)); }, fileSystem.refuses);
        const bool isFault = trial.fault.error != shim::Watch::kShort;
        side.expectOnly(mailboxes, there, isFault ? call : "");
        there.push_back(side.deliver(mailboxes));
        side.expectOnly(mailboxes, there);
        return outcome;
    });
    MESSAGE(trials.all, " trials, ", trials.failed, " refused");
    CHECK(trials.failed > trials.all / 3);
    CHECK(trials.failed < trials.all);
}

}  // namespace

TEST_CASE("a new mailbox's first message: whole, or an error and nothing left") {
    expectAllOrNothing(1, false);
}

TEST_CASE("a message for a known mailbox: whole, or an error and nothing left") {
    expectAllOrNothing(1, true);
}

TEST_CASE("a message for three mailboxes: all three whole, or an error and nothing left") {
    expectAllOrNothing(3, false);
}

TEST_CASE("a removal: all are gone and restorable, or an error and all are there") {
    const auto trials = everyFault([](const FileSystem& fileSystem, const Trial& trial) {
        Deliveries side;
        const std::vector ids{side.deliver(1), side.deliver(1), side.deliver(1)};
        const auto [outcome, call] = shim::attempt<Error>(
            trial, [&] { side.store.remove(side.drops[0], ids); }, fileSystem.refuses);
        if (outcome == Outcome::Failed) {
            side.expectOnly(1, ids);
            side.store.remove(side.drops[0], ids);
        }
        CHECK(side.store.list(side.drops[0]).messages.empty());
        CHECK(side.store.listDeleted(side.drops[0]).size() == ids.size());
        for (const MessageId& id : ids) {
            CHECK(side.store.restore(side.drops[0], id) == Restoration::Restored);
        }
        side.expectOnly(1, ids);
        return outcome;
    });
    MESSAGE(trials.all, " trials, ", trials.failed, " refused");
    CHECK(trials.failed > trials.all / 4);
}

TEST_CASE("a removal of what was restored by a copy fails as any other") {
    const auto trials = everyFault([](const FileSystem& fileSystem, const Trial& trial) {
        Deliveries side;
        const std::vector ids{side.deliver(1), side.deliver(1)};
        side.store.remove(side.drops[0], {{ids[0]}});
        fs::copy_file(side.layout.deletedMessage(side.drops[0], ids[0]),
                      side.layout.message(side.drops[0], ids[0]));
        const auto [outcome, call] = shim::attempt<Error>(
            trial, [&] { side.store.remove(side.drops[0], ids); }, fileSystem.refuses);
        CHECK(StoreFixture::idsOf(side.store.list(side.drops[0])) ==
              (outcome == Outcome::Failed ? ids : std::vector<MessageId>()));
        return outcome;
    });
    CHECK(trials.failed > trials.all / 4);
}

TEST_CASE("a restoration: it waits again, or an error and it can be restored") {
    const auto trials = everyFault([](const FileSystem& fileSystem, const Trial& trial) {
        Deliveries side;
        const MessageId id = side.deliver(1);
        side.store.remove(side.drops[0], {{id}});
        Restoration result = Restoration::Restored;
        const auto [outcome, call] = shim::attempt<Error>(
            trial, [&] { result = side.store.restore(side.drops[0], id); }, fileSystem.refuses);
        CHECK(result == Restoration::Restored);
        if (outcome == Outcome::Failed) {
            CHECK(side.store.list(side.drops[0]).messages.empty());
            CHECK(side.store.restore(side.drops[0], id) == Restoration::Restored);
        }
        side.expectOnly(1, {id});
        return outcome;
    });
    CHECK(trials.failed > trials.all / 4);
}
