// Trouble with the store is one episode for each cause, until a mailbox it hit takes mail again.
#include "gateway/watch/store_trouble.h"

#include <doctest/doctest.h>

using namespace gateway;

TEST_CASE(
    "causes that end alike are one episode, over when one of its mailboxes takes mail again") {
    const MailboxId one = MailboxId::generate();
    const MailboxId two = MailboxId::generate();
    const MailboxId other = MailboxId::generate();
    const WallTime start = WallTime() + std::chrono::hours(1);
    StoreTrouble trouble;
    trouble.failed(one, MessageId::generate(), "write /a/b: No space left on device", start);
    trouble.failed(two, MessageId::generate(), "mkdir /a/c: No space left on device",
                   start + std::chrono::minutes(5));
    trouble.failed(other, MessageId::generate(), "open /a/d: Permission denied", start);
    auto entries = trouble.entries();
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].cause == "write /a/b: No space left on device");
    CHECK(entries[0].messages == 2);
    CHECK(entries[0].since == start);
    CHECK(entries[0].last == start + std::chrono::minutes(5));
    trouble.stored(MailboxId::generate());
    CHECK(trouble.entries().size() == 2);
    trouble.stored(two);
    entries = trouble.entries();
    REQUIRE(entries.size() == 1);
    CHECK(entries[0].mailbox == other);
    trouble.stored(other);
    CHECK(trouble.entries().empty());
}

TEST_CASE("however many causes there are, they are forgotten before they are too many") {
    StoreTrouble trouble;
    for (int i = 0; i < 1000; ++i) {
        trouble.failed(MailboxId::generate(), MessageId::generate(),
                       "open: cause " + std::to_string(i), WallTime());
    }
    CHECK(trouble.entries().size() <= 100);
}
