// One message for several mailboxes: each copy opens with its own key and begins with its own
// headers; all are stored or none.
#include "gateway/store/deposit.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "crypto/digest.h"
#include "gateway/base/error.h"
#include "gateway/store/receipt_history.h"
#include "tests/store/store_fixture.h"

using gateway::Deposit;
using gateway::DirectoryStore;
using gateway::Error;
using gateway::MessageId;
using gateway::octetsOf;

namespace {

std::string opened(gateway::MessageStore& store, const gateway::Drop& drop, const MessageId& id,
                   const crypto::OpenKey& key) {
    crypto::Opener opener(key);
    const auto outgoing = store.open(drop, id);
    REQUIRE(outgoing);
    std::string plaintext;
    std::array<std::byte, 5000> buffer{};
    while (const std::size_t got = outgoing->read(buffer)) {
        opener.open(std::span(buffer).first(got), plaintext);
    }
    opener.finish(plaintext);
    return plaintext;
}

}  // namespace

TEST_CASE("every copy opens with its own key and begins with its own headers") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    const auto otherKey = crypto::OpenKey::generate();
    const gateway::Drop other(gateway::MailboxId::generate(), otherKey.sealKey());
    std::string message;
    for (std::size_t i = 0; i < 200'000; ++i) {
        message += static_cast<char>('a' + i % 26);
    }
    const MessageId id = MessageId::generate();
    Deposit deposit(store, id, {{fixture.drop(), "For: one\r\n"}, {other, "For: two\r\n"}});
    CHECK(deposit.id() == id);
    deposit.append(octetsOf(message).first(70'001));
    deposit.append(octetsOf(message).subspan(70'001));
    CHECK(fixture.files().empty());
    deposit.commit();
    CHECK(opened(store, fixture.drop(), id, fixture.key) == "For: one\r\n" + message);
    CHECK(opened(store, other, id, otherKey) == "For: two\r\n" + message);
    const auto listing = store.list(other);
    REQUIRE(listing.messages.size() == 1);
    CHECK(crypto::plaintextSize(listing.messages[0].sealedSize) == message.size() + 10);
}

TEST_CASE("in whatever pieces it comes, and whatever its headers' length, each copy is whole") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    std::string message;
    for (std::size_t i = 0; i < 3 * crypto::kChunkSize + 5; ++i) {
        message += static_cast<char>('a' + i % 23);
    }
    const std::size_t chunk = crypto::kChunkSize;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, chunk - 1, chunk, chunk + 1,
                                   2 * chunk - 7, 2 * chunk, message.size()}) {
        for (const std::size_t piece :
             {std::size_t{9973}, chunk - 1, chunk, chunk + 1, 3 * chunk}) {
            CAPTURE(size);
            CAPTURE(piece);
            const MessageId id = MessageId::generate();
            const gateway::Drop bare(gateway::MailboxId::generate(), fixture.key.sealKey());
            const gateway::Drop longer(gateway::MailboxId::generate(), fixture.key.sealKey());
            const std::string headers(700, 'h');
            Deposit deposit(store, id,
                            {{fixture.drop(), "For: one\r\n"}, {bare, ""}, {longer, headers}});
            for (std::size_t at = 0; at < size; at += piece) {
                deposit.append(octetsOf(message).subspan(at, std::min(piece, size - at)));
            }
            deposit.commit();
            const std::string want = message.substr(0, size);
            CHECK(opened(store, fixture.drop(), id, fixture.key) == "For: one\r\n" + want);
            CHECK(opened(store, bare, id, fixture.key) == want);
            CHECK(opened(store, longer, id, fixture.key) == headers + want);
        }
    }
}

TEST_CASE("an abandoned deposit leaves nothing") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    {
        Deposit deposit(store, MessageId::generate(), {{fixture.drop(), "For: one\r\n"}});
        deposit.append(octetsOf("text"));
        const Deposit moved = std::move(deposit);
    }
    CHECK(fixture.files().empty());
}

TEST_CASE("whichever call fails, either every mailbox has its copy or none has") {
    bool failed = true;
    unsigned n = 1;
    for (; failed; ++n) {
        REQUIRE(n < 100);
        CAPTURE(n);
        const StoreFixture fixture;
        DirectoryStore store(fixture.layout);
        const std::vector<Deposit::Copy> copies{
            {fixture.drop(), "For: one\r\n"},
            {{gateway::MailboxId::generate(), fixture.key.sealKey()}, "For: two\r\n"},
            {{gateway::MailboxId::generate(), fixture.key.sealKey()}, "For: three\r\n"}};
        const MessageId id = MessageId::generate();
        try {
            const shim::Watch watch(shim::failNth(n, ENOSPC));
            Deposit deposit(store, id, copies);
            deposit.append(octetsOf("text"));
            deposit.commit();
            failed = false;
        } catch (const Error& error) {
            CHECK(error.kind() == Error::Kind::DiskFull);
        }
        CHECK(fixture.files().size() == (failed ? 0 : copies.size()));
    }
    CHECK(n > 30);
}

TEST_CASE("each copy's receipt tells its own file, and there is none before it is asked for") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    gateway::ReceiptLog log(fixture.layout, gateway::NodeId::generate());
    const gateway::Drop other(gateway::MailboxId::generate(),
                              crypto::OpenKey::generate().sealKey());
    const MessageId id = MessageId::generate();
    Deposit deposit(store, id, {{fixture.drop(), "For: one\r\n"}, {other, "To: two\r\n"}}, &log);
    const std::string message(200'000, 'm');
    deposit.append(octetsOf(message).first(70'001));
    deposit.append(octetsOf(message).subspan(70'001));
    deposit.commit();
    CHECK(gateway::readReceipts(fixture.layout, fixture.mailbox).receipts.empty());
    deposit.writeReceipts({"192.0.2.1", "TLSv1.3/X"});
    for (const gateway::Drop& drop : {fixture.drop(), other}) {
        const std::string file =
            gateway::readWhole(fixture.layout.message(drop, id), 2 * message.size());
        const auto receipts = gateway::readReceipts(fixture.layout, drop.mailbox).receipts;
        REQUIRE(receipts.size() == 1);
        CHECK(receipts[0].id == id);
        CHECK(receipts[0].file.octets == file.size());
        CHECK(receipts[0].file.sha256 == crypto::sha256(octetsOf(file)));
        CHECK(receipts[0].peer == "192.0.2.1");
    }
}

TEST_CASE("receipts that cannot be written take nothing back") {
    const StoreFixture fixture;
    DirectoryStore store(fixture.layout);
    gateway::ReceiptLog log(fixture.layout, gateway::NodeId::generate());
    std::filesystem::create_symlink("nowhere", fixture.layout.receipts());
    Deposit deposit(store, MessageId::generate(), {{fixture.drop(), ""}}, &log);
    deposit.append(octetsOf("a message"));
    deposit.commit();
    deposit.writeReceipts({"192.0.2.1", ""});
    CHECK(log.trouble());
    CHECK(fixture.listed(store) == std::vector<MessageId>{deposit.id()});
}
