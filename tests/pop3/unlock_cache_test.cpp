// Keys kept open for a while: for the same password, the same record, and no longer than asked.
#include "pop3/unlock_cache.h"

#include <doctest/doctest.h>

#include "crypto/sealed_text.h"

using namespace std::chrono_literals;
using pop3::UnlockCache;

namespace {

struct Box {
    Box() {
        const crypto::OpenKey identity = crypto::OpenKey::generate();
        auto made = std::make_shared<gateway::Mailbox>(gateway::MailboxId::generate());
        gateway::MailboxKey key(identity.sealKey());
        key.sealedIdentity = crypto::sealIdentity(identity, made->id.str(), password, 10);
        made->keys.push_back(key);
        mailbox = made;
        opened = pop3::UnlockedMailbox::open(*mailbox, password);
    }
    crypto::Password password{"correct horse"};
    UnlockCache::FindMailbox find() const {
        return [this](const gateway::MailboxId&) { return mailbox; };
    }
    std::shared_ptr<const gateway::Mailbox> mailbox;
    std::shared_ptr<const pop3::UnlockedMailbox> opened;
};

}  // namespace

TEST_CASE("off by default: nothing is kept") {
    const Box box;
    UnlockCache cache(0s);
    cache.keep(box.mailbox, box.password, box.opened, {});
    CHECK(cache.size() == 0);
    CHECK(cache.find(box.mailbox, box.password, {}) == nullptr);
}

TEST_CASE("the same password finds the opened mailbox, another one does not") {
    const Box box;
    REQUIRE(box.opened != nullptr);
    UnlockCache cache(60s);
    cache.keep(box.mailbox, box.password, box.opened, {});
    CHECK(cache.find(box.mailbox, box.password, {}) == box.opened);
    CHECK(cache.find(box.mailbox, crypto::Password("correct horsf"), {}) == nullptr);
    CHECK(cache.find(box.mailbox, crypto::Password("correct hors"), {}) == nullptr);
    CHECK(cache.find(Box().mailbox, box.password, {}) == nullptr);
    CHECK(cache.find(box.mailbox, box.password, {}) == box.opened);
}

TEST_CASE("each use prolongs it; what is not used goes") {
    const Box box;
    UnlockCache cache(60s);
    const UnlockCache::Time start{};
    cache.keep(box.mailbox, box.password, box.opened, start);
    CHECK(cache.find(box.mailbox, box.password, start + 50s) == box.opened);
    CHECK(cache.find(box.mailbox, box.password, start + 100s) == box.opened);
    cache.sweep(start + 150s, box.find());
    CHECK(cache.size() == 1);
    CHECK(cache.find(box.mailbox, box.password, start + 161s) == nullptr);
    CHECK(cache.size() == 0);
    cache.keep(box.mailbox, box.password, box.opened, start);
    cache.sweep(start + 61s, box.find());
    CHECK(cache.size() == 0);
}

TEST_CASE("a record that was read anew drops the entry: its keys may have changed") {
    const Box box;
    UnlockCache cache(60s);
    cache.keep(box.mailbox, box.password, box.opened, {});
    auto changed = std::make_shared<const gateway::Mailbox>(*box.mailbox);
    CHECK(cache.find(changed, box.password, {}) == nullptr);
    CHECK(cache.size() == 0);
    cache.keep(box.mailbox, box.password, box.opened, {});
    cache.sweep({}, box.find());
    CHECK(cache.size() == 1);
    cache.sweep({}, [&](const gateway::MailboxId&) { return changed; });  // nobody logs in again
    CHECK(cache.size() == 0);
}
