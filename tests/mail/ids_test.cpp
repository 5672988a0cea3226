// The names of mailboxes, messages and nodes: only the exact form parses, new ones are unique, and
// message ids grow whatever the threads and the clock do.
#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/mail/mailbox_id.h"
#include "gateway/mail/message_id.h"
#include "gateway/mail/node_id.h"

using gateway::MailboxId;
using gateway::MessageId;
using gateway::NodeId;

TEST_CASE("a mailbox id is mbx- and 32 hex digits, in any case, kept in lower case") {
    const auto id = MailboxId::parse("MBX-0123456789ABCDEFabcdef0123456789");
    REQUIRE(id);
    CHECK(id->str() == "mbx-0123456789abcdefabcdef0123456789");
    for (const char* wrong :
         {"", "mbx-", "mbx-0123456789abcdefabcdef012345678",
          "mbx-0123456789abcdefabcdef01234567890", "mbx_0123456789abcdefabcdef0123456789",
          "mbx-0123456789abcdefabcdef012345678g", "mbx-../../../../../../../../../etc/p",
          " mbx-0123456789abcdefabcdef012345678"}) {
        CAPTURE(wrong);
        CHECK_FALSE(MailboxId::parse(wrong));
    }
    const MailboxId made = MailboxId::generate();
    CHECK(MailboxId::parse(made.str()) == made);
    CHECK(made != MailboxId::generate());
}

TEST_CASE("a node id is n- and 32 lower-case hex digits") {
    CHECK(NodeId::parse("n-0123456789abcdefabcdef0123456789"));
    for (const char* wrong :
         {"", "n-", "n-0123456789ABCDEFabcdef0123456789", "n-0123456789abcdefabcdef012345678/",
          "m-0123456789abcdefabcdef0123456789"}) {
        CAPTURE(wrong);
        CHECK_FALSE(NodeId::parse(wrong));
    }
    const NodeId made = NodeId::generate();
    CHECK(NodeId::parse(made.str()) == made);
    CHECK(made != NodeId::generate());
}

TEST_CASE("a message id is exactly a lower-case UUID of version 7") {
    CHECK(MessageId::parse("0190a2b3-c4d5-7e6f-8a9b-0123456789ab"));
    for (const char* wrong :
         {"", "0190a2b3-c4d5-7e6f-8a9b-0123456789a", "0190a2b3-c4d5-7e6f-8a9b-0123456789abc",
          "0190A2B3-c4d5-7e6f-8a9b-0123456789ab", "0190a2b3-c4d5-4e6f-8a9b-0123456789ab",
          "0190a2b3-c4d5-7e6f-ca9b-0123456789ab", "0190a2b3xc4d5-7e6f-8a9b-0123456789ab",
          "{190a2b3-c4d5-7e6f-8a9b-0123456789a}", "../../..-....-7...-8...-............"}) {
        CAPTURE(wrong);
        CHECK_FALSE(MessageId::parse(wrong));
    }
}

TEST_CASE("new message ids parse, grow, and carry the time of their making") {
    MessageId before = MessageId::generate();
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const auto stamp =
        std::stoll(before.str().substr(0, 8) + before.str().substr(9, 4), nullptr, 16);
    CHECK(std::abs(now - stamp) < 60'000);
    for (int i = 0; i < 20'000; ++i) {  // far more than one counter's 4096 in a millisecond
        const MessageId next = MessageId::generate();
        REQUIRE(MessageId::parse(next.str()));
        REQUIRE(before < next);
        before = next;
    }
}

TEST_CASE("message ids made by several threads are unique, and grow within each thread") {
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kEach = 5000;
    std::vector<std::vector<std::string>> made(kThreads);
    std::vector<std::thread> threads;
    for (auto& mine : made) {
        threads.emplace_back([&mine] {
            for (std::size_t i = 0; i < kEach; ++i) {
                mine.push_back(MessageId::generate().str());
            }
        });
    }
    std::set<std::string> heads;
    for (std::size_t i = 0; i < kThreads; ++i) {
        threads[i].join();
        CHECK(std::is_sorted(made[i].begin(), made[i].end()));
        for (const std::string& id : made[i]) {
            heads.insert(id.substr(0, 18));  // the ordered part alone is unique in a process
        }
    }
    CHECK(heads.size() == kThreads * kEach);
}

TEST_CASE("message ids grow on when the clock jumps back") {
    const auto now = std::chrono::system_clock::now();
    const MessageId ahead = MessageId::generate(now + std::chrono::seconds(30));
    const MessageId after = MessageId::generate(now);
    CHECK(ahead < after);
    CHECK(ahead.str().substr(0, 13) == after.str().substr(0, 13));
    CHECK(after < MessageId::generate(now - std::chrono::hours(24 * 365)));
}
