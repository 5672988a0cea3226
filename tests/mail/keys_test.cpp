// The keys of a mailbox over its life: changed, reset, unlocked by an earlier password, recovered;
// and that no crash in between leaves a mailbox that neither password opens.
#include <cerrno>

#include <doctest/doctest.h>

#include "crypto/sealed_text.h"
#include "gateway/base/error.h"
#include "tests/mail/records_fixture.h"

using namespace gateway;

namespace {

const crypto::Password kFirst("pass word");
const crypto::Password kSecond("second");
const crypto::Password kThird("third");

/// A mailbox under kFirst.
class KeysFixture : public RecordsFixture {
public:
    explicit KeysFixture(std::optional<crypto::SealKey> recovery = std::nullopt) {
        running->setRecovery(std::move(recovery));
        running->load();
        id = running->create(wanted("Archive"))->id;
    }

    Mailbox mailbox() const { return *running->current()->find(id); }
    OpenKeys open(const crypto::Password& password) const {
        return openWithPassword(mailbox(), password);
    }
    std::size_t change(const crypto::Password& from, const crypto::Password& to) {
        const OpenKeys keys = open(from);
        REQUIRE_FALSE(keys.empty());
        running->addKey(id, to, keys);
        return keys.size();
    }
    void reset(const crypto::Password& to) { running->addKey(id, to, {}); }

    std::unique_ptr<RegistryKeeper> running = keeper();
    MailboxId id = MailboxId::generate();
};

/// From the n-th call on nothing works: what a process that is killed there leaves behind.
shim::Watch::Before allFrom(unsigned n) {
    return [n, calls = 0U](const std::string&) mutable { return ++calls >= n ? EIO : 0; };
}

/// What stands in the files, to a process that was started anew.
Mailbox asRestarted(KeysFixture& fixture) {
    fixture.now += std::chrono::seconds(61);
    return *fixture.keeper()->load()->find(fixture.id);
}

}  // namespace

TEST_CASE("a change: the new password opens everything, the old one nothing new") {
    KeysFixture fixture;
    const crypto::SealKey old = fixture.mailbox().current()->recipient;
    CHECK(fixture.change(kFirst, kSecond) == 1);
    const Mailbox mailbox = fixture.mailbox();
    CHECK(mailbox.keys.size() == 2);
    CHECK(mailbox.current()->epoch == 2);
    CHECK(mailbox.openable() == std::vector{mailbox.current()->recipient, old});
    const OpenKeys opened = fixture.open(kSecond);
    CHECK(opened.size() == 2);
    CHECK(holds(opened, old));
    CHECK(fixture.open(kFirst).empty());
    // The old password still opens what it opened, but not what its key was never sealed to.
    const OpenKeys earlier = openWithEarlier(mailbox, kFirst, {});
    CHECK(earlier.size() == 1);
    CHECK(earlier[0].sealKey() == old);
}

TEST_CASE("three changes in a row: every key is opened, also where chains lead through others") {
    KeysFixture fixture;
    fixture.change(kFirst, kSecond);
    SUBCASE("each change seals all that was opened") {
        fixture.change(kSecond, kThird);
        CHECK(fixture.change(kThird, kFirst) == 3);
        CHECK(fixture.mailbox().current()->chain.size() == 3);
    }
    SUBCASE("each change seals only the key before it") {
        for (const auto& [from, to] : {std::pair(&kSecond, &kThird), {&kThird, &kFirst}}) {
            const OpenKeys keys = fixture.open(*from);
            fixture.running->addKey(fixture.id, *to, std::span(keys).first(1));
        }
        CHECK(fixture.mailbox().current()->chain.size() == 1);
    }
    CHECK(fixture.open(kFirst).size() == 4);
    CHECK(fixture.open(kThird).empty());
    CHECK(asRestarted(fixture).openable().size() == 4);
}

TEST_CASE("a reset locks what was there until an earlier password turns up") {
    KeysFixture fixture;
    fixture.change(kFirst, kSecond);
    fixture.reset(kThird);
    CHECK(fixture.mailbox().openable().size() == 1);
    const OpenKeys known = fixture.open(kThird);
    CHECK(known.size() == 1);
    CHECK(openWithEarlier(fixture.mailbox(), kThird, known).empty());
    CHECK(openWithEarlier(fixture.mailbox(), crypto::Password("fourth"), known).empty());
    SUBCASE("the last one, and what it opened by its chain") {
        const OpenKeys found = openWithEarlier(fixture.mailbox(), kSecond, known);
        CHECK(found.size() == 2);
        fixture.running->addChain(fixture.id, found);
        CHECK(fixture.open(kThird).size() == 3);
        CHECK(fixture.mailbox().keys.size() == 3);
        CHECK(openWithEarlier(fixture.mailbox(), kSecond, fixture.open(kThird)).empty());
    }
    SUBCASE("the first one, which opens one key only") {
        const OpenKeys found = openWithEarlier(fixture.mailbox(), kFirst, known);
        CHECK(found.size() == 1);
        fixture.running->addChain(fixture.id, found);
        CHECK(fixture.open(kThird).size() == 2);
        // The last one opens the first one's key by its chain: that is no news any more.
        CHECK(openWithEarlier(fixture.mailbox(), kSecond, fixture.open(kThird)).size() == 1);
    }
}

TEST_CASE("with a recovery key each new key is sealed for it too") {
    const crypto::OpenKey offline = crypto::OpenKey::generate();
    KeysFixture fixture(offline.sealKey());
    CHECK(fixture.mailbox().recoverableBy(offline.sealKey()));
    fixture.reset(kSecond);
    fixture.reset(kThird);
    CHECK(openWithRecovery(fixture.mailbox(), crypto::OpenKey::generate()).empty());
    const OpenKeys opened = openWithRecovery(fixture.mailbox(), offline);
    CHECK(opened.size() == 3);
    fixture.running->addKey(fixture.id, kFirst, opened);
    CHECK(fixture.open(kFirst).size() == 4);
    CHECK(openWithRecovery(fixture.mailbox(), offline).size() == 4);
}

TEST_CASE(
    "keys made before there was a recovery key are sealed for it once, when they are opened") {
    KeysFixture fixture;
    const crypto::SealKey recovery = crypto::OpenKey::generate().sealKey();
    fixture.change(kFirst, kSecond);
    const OpenKeys keys = fixture.open(kSecond);
    const auto before = fixture.running->current()->find(fixture.id);
    CHECK(fixture.running->sealForRecovery(fixture.id, keys) == before);  // there is none yet
    fixture.running->setRecovery(recovery);
    CHECK_FALSE(before->recoverableBy(recovery));
    fixture.running->sealForRecovery(fixture.id, keys);
    const Mailbox sealed = fixture.mailbox();
    CHECK(sealed.recoverableBy(recovery));
    CHECK(sealed.keys.size() == 2);
    CHECK(sealed.current()->recipient == before->current()->recipient);
    CHECK(sealed.current()->at == before->current()->at);
    CHECK(fixture.open(kSecond).size() == 2);
    const std::string text = RecordsFixture::read(fixture.configFile(fixture.id));
    fixture.running->sealForRecovery(fixture.id, keys);
    CHECK(RecordsFixture::read(fixture.configFile(fixture.id)) == text);
    SUBCASE("another recovery key is another seal; the first stays") {
        const crypto::SealKey other = crypto::OpenKey::generate().sealKey();
        fixture.running->setRecovery(other);
        CHECK_FALSE(sealed.recoverableBy(other));
        fixture.change(kSecond, kThird);  // which opens both, and seals them too
        CHECK(fixture.mailbox().recoverableBy(other));
        CHECK(fixture.mailbox().keys.front().sealedFor(recovery));
    }
    SUBCASE("locked keys do not count: no unlock reaches them") {
        fixture.running->setRecovery(std::nullopt);
        fixture.reset(kThird);
        CHECK_FALSE(fixture.mailbox().recoverableBy(recovery));
        fixture.running->setRecovery(recovery);
        fixture.running->sealForRecovery(fixture.id, fixture.open(kThird));
        CHECK(fixture.mailbox().recoverableBy(recovery));
    }
}

TEST_CASE("whichever call of a change fails, the old password holds, here and after a restart") {
    unsigned failures = 0;
    for (unsigned n = 1;; ++n) {
        CAPTURE(n);
        KeysFixture fixture;
        const OpenKeys keys = fixture.open(kFirst);
        bool failed = false;
        {
            const shim::Watch watch(shim::failNth(n, ENOSPC));
            try {
                fixture.running->addKey(fixture.id, kSecond, keys);
            } catch (const Error&) {
                failed = true;
            }
            if (!failed && watch.calls().size() < n) {
                break;
            }
        }
        failures += failed ? 1 : 0;
        const crypto::Password& valid = failed ? kFirst : kSecond;
        CHECK_FALSE(fixture.open(valid).empty());
        CHECK_FALSE(openWithPassword(asRestarted(fixture), valid).empty());
    }
    CHECK(failures > 5);
}

TEST_CASE("killed at any call of a change or reset, the record is the old one or the new one") {
    for (const bool reset : {false, true}) {
        bool done = false;
        unsigned old = 0;
        for (unsigned n = 1; !done; ++n) {
            CAPTURE(n);
            KeysFixture fixture;
            const OpenKeys keys = fixture.open(kFirst);
            {
                const shim::Watch watch(allFrom(n));
                try {
                    fixture.running->addKey(fixture.id, kSecond,
                                            reset ? std::span<const crypto::OpenKey>() : keys);
                    done = watch.calls().size() < n;
                } catch (const Error&) {
                    done = false;
                }
            }
            const Mailbox left = asRestarted(fixture);
            const bool isOld = left.keys.size() == 1;
            old += isOld ? 1 : 0;
            CHECK(openWithPassword(left, isOld ? kFirst : kSecond).size() ==
                  (isOld || reset ? 1 : 2));
            CHECK(left.keys.size() <= 2);
            CHECK((!done || !isOld));
        }
        CHECK(old > 2);
    }
}
