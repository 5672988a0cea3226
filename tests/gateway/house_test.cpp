// What sessions are told about a mailbox, from a snapshot of records.
#include "gateway/house.h"

#include <doctest/doctest.h>

using gateway::MailboxStatus;
using Standing = smtp::Recipient::Standing;

namespace {

crypto::SealKey newKey() { return crypto::OpenKey::generate().sealKey(); }

/// A mailbox with keys of epochs 1, 2, …, the last of which is current.
std::shared_ptr<gateway::Mailbox> mailboxWith(const std::vector<crypto::SealKey>& keys) {
    auto mailbox = std::make_shared<gateway::Mailbox>(gateway::MailboxId::generate());
    for (const crypto::SealKey& key : keys) {
        mailbox->keys.emplace_back(key);
        mailbox->keys.back().epoch = mailbox->keys.size();
    }
    return mailbox;
}

gateway::House houseOf(const std::shared_ptr<gateway::Mailbox>& mailbox,
                       std::vector<gateway::MailboxId> unreadable = {}) {
    gateway::House house;
    gateway::Registry::Mailboxes mailboxes;
    mailboxes.emplace(mailbox->id, mailbox);
    house.setRegistry(std::make_shared<const gateway::Registry>(
        std::move(mailboxes), std::move(unreadable), std::vector<gateway::Finding>()));
    return house;
}

}  // namespace

TEST_CASE("mail is sealed to the current key of an active mailbox, and to no other") {
    const crypto::SealKey current = newKey();
    const auto mailbox = mailboxWith({newKey(), current});
    CHECK(houseOf(mailbox).recipient(mailbox->id).standing == Standing::Active);
    CHECK(houseOf(mailbox).recipient(mailbox->id).key == current);
    mailbox->status = MailboxStatus::Suspended;
    CHECK(houseOf(mailbox).recipient(mailbox->id).standing == Standing::Suspended);
    mailbox->status = MailboxStatus::Deleted;
    CHECK(houseOf(mailbox).recipient(mailbox->id).standing == Standing::Deleted);
}

TEST_CASE("what cannot be read waits, what was never heard of is unknown") {
    const auto mailbox = mailboxWith({newKey()});
    const gateway::MailboxId other = gateway::MailboxId::generate();
    CHECK(houseOf(mailbox).recipient(other).standing == Standing::Unknown);
    CHECK(houseOf(mailbox, {other}).recipient(other).standing == Standing::Unreadable);
    const auto keyless = mailboxWith({});
    CHECK(houseOf(keyless).recipient(keyless->id).standing == Standing::Unreadable);
}

TEST_CASE("pins go with the key, and clients are asked for certificates where one is pinned") {
    const auto mailbox = mailboxWith({newKey()});
    CHECK_FALSE(houseOf(mailbox).recipient(mailbox->id).allow);
    CHECK_FALSE(houseOf(mailbox).asksForCertificate());
    mailbox->allow.tls = gateway::Allow::Tls::Required;
    const gateway::House required = houseOf(mailbox);
    REQUIRE(required.recipient(mailbox->id).allow);
    CHECK(required.recipient(mailbox->id).allow->tls == gateway::Allow::Tls::Required);
    CHECK_FALSE(required.asksForCertificate());
    mailbox->allow.tls = gateway::Allow::Tls::Certificate;
    CHECK(houseOf(mailbox).asksForCertificate());
    mailbox->status = MailboxStatus::Deleted;
    CHECK_FALSE(houseOf(mailbox).asksForCertificate());
}

TEST_CASE("at commit a key must be current or chained to it, also through others") {
    const std::vector<crypto::SealKey> keys{newKey(), newKey(), newKey(), newKey()};
    const auto mailbox = mailboxWith(keys);
    mailbox->keys[3].chain.emplace_back(keys[2], "sealed");
    mailbox->keys[2].chain.emplace_back(keys[1], "sealed");
    const gateway::House house = houseOf(mailbox);
    CHECK(house.keyIsValid({mailbox->id, keys[3]}));
    CHECK(house.keyIsValid({mailbox->id, keys[2]}));
    CHECK(house.keyIsValid({mailbox->id, keys[1]}));
    CHECK_FALSE(house.keyIsValid({mailbox->id, keys[0]}));
    CHECK_FALSE(house.keyIsValid({gateway::MailboxId::generate(), keys[3]}));
}
