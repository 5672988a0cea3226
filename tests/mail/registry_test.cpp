// The keeper of records: what it made it finds again, whatever an admin does to config/; nothing
// that counted is ever lost, and nothing counts that no trusted node signed.
#include <cerrno>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "crypto/sealed_text.h"
#include "gateway/base/error.h"
#include "tests/mail/records_fixture.h"

namespace fs = std::filesystem;
using namespace gateway;

TEST_CASE("a new mailbox is there, opens with its password, and is found again after a restart") {
    RecordsFixture fixture;
    auto keeper = fixture.keeper();
    CHECK(keeper->load()->mailboxes().empty());
    const auto made = keeper->create(RecordsFixture::wanted("Archive"));
    CHECK(made->name == "Archive");
    CHECK(made->description == "of Archive");
    CHECK(made->status == MailboxStatus::Active);
    CHECK(made->greatestCounter == 4);
    REQUIRE(made->current() != nullptr);
    const auto opened =
        crypto::openIdentity(made->current()->sealedIdentity, made->id.str(),
                             made->current()->recipient, crypto::Password("pass word"));
    REQUIRE(opened);
    CHECK(opened->sealKey() == made->current()->recipient);
    CHECK(keeper->current()->find(made->id) == made);
    CHECK_FALSE(keeper->changed());

    auto restarted = fixture.keeper();
    const auto registry = restarted->load();
    const auto found = registry->find(made->id);
    REQUIRE(found);
    CHECK(found->current()->recipient == made->current()->recipient);
    CHECK(found->name == "Archive");
    CHECK(registry->findings().empty());
    CHECK_FALSE(registry->find(MailboxId::generate()));
    CHECK_FALSE(registry->unreadable(MailboxId::generate()));
}

TEST_CASE("an address taken over from another gateway is kept, once") {
    RecordsFixture fixture;
    auto keeper = fixture.keeper();
    keeper->load();
    auto wanted = RecordsFixture::wanted("Old");
    wanted.address = MailboxId::generate();
    CHECK(keeper->create(std::move(wanted))->id.str().starts_with("mbx-"));
    auto again = RecordsFixture::wanted("Old");
    again.address = keeper->current()->mailboxes().begin()->first;
    try {
        keeper->create(std::move(again));
        FAIL("made the same mailbox twice");
    } catch (const Error& error) {
        CHECK(error.kind() == Error::Kind::Busy);
    }
}

TEST_CASE("name and status change, for the next process too") {
    RecordsFixture fixture;
    auto keeper = fixture.keeper();
    keeper->load();
    const MailboxId id = keeper->create(RecordsFixture::wanted("Archive"))->id;
    CHECK(keeper->describe(id, "Other", "new")->name == "Other");
    CHECK(keeper->setStatus(id, MailboxStatus::Suspended)->status == MailboxStatus::Suspended);
    CHECK(keeper->setStatus(id, MailboxStatus::Deleted)->status == MailboxStatus::Deleted);
    auto restarted = fixture.keeper();
    const auto found = restarted->load()->find(id);
    REQUIRE(found);
    CHECK(found->name == "Other");
    CHECK(found->description == "new");
    CHECK(found->status == MailboxStatus::Deleted);
    CHECK(restarted->setStatus(id, MailboxStatus::Active)->greatestCounter == 8);
    CHECK_THROWS_AS(keeper->describe(MailboxId::generate(), "x", "y"), const Error&);
}

TEST_CASE("the record is durable in node/ before config/ gets it, in files for their owner only") {
    RecordsFixture fixture;
    auto keeper = fixture.keeper();
    keeper->load();
    std::vector<std::string> calls;
    std::optional<MailboxId> id;
    {
        const shim::Watch watch;
        id = keeper->create(RecordsFixture::wanted("Archive"))->id;
        calls = watch.calls();
    }
    const auto last = [&calls](const std::string& call) {
        const auto found = std::find(calls.rbegin(), calls.rend(), call);
        return calls.rend() - found;  // 0 where there is none
    };
    const fs::path known = fixture.knownFile(*id);
    const fs::path config = fixture.configFile(*id);
    const auto firstOfConfig =
        std::find_if(calls.begin(), calls.end(), [&fixture](const std::string& call) {
            return call.starts_with("mkdir " + fixture.layout.config().native());
        });
    CHECK(last("fsync " + known.parent_path().native()) > 0);
    CHECK(last("fsync " + known.parent_path().native()) <= firstOfConfig - calls.begin());
    CHECK(last("fsync " + config.parent_path().native()) > firstOfConfig - calls.begin());
    CHECK(std::count_if(calls.begin(), calls.end(),
                        [](const std::string& call) { return call.starts_with("syncfs "); }) == 1);
    for (const fs::path& path : {known, config, fixture.layout.nodeFile()}) {
        struct stat found{};
        REQUIRE(::stat(path.c_str(), &found) == 0);
        CHECK((found.st_mode & 0777U) == 0600);
    }
}

TEST_CASE("whichever call of a creation fails: where it throws there is no mailbox, nor later") {
    std::size_t calls = 1;
    unsigned failures = 0;
    for (unsigned n = 1; n <= calls; ++n) {
        CAPTURE(n);
        RecordsFixture fixture;
        auto keeper = fixture.keeper();
        keeper->load();
        std::size_t expected = 1;
        try {
            unsigned seen = 0;
            const shim::Watch watch([&](const std::string&) {
                calls = std::max<std::size_t>(calls, ++seen);
                return seen == n ? ENOSPC : 0;
            });
            keeper->create(RecordsFixture::wanted("Archive"));
        } catch (const Error& error) {
            CHECK(error.kind() == Error::Kind::DiskFull);
            expected = 0;
            ++failures;
        }
        CHECK(keeper->current()->mailboxes().size() == expected);
        auto restarted = fixture.keeper();
        CHECK(restarted->load()->mailboxes().size() == expected);
        CHECK(keeper->load()->mailboxes().size() == expected);
        CHECK(keeper->create(RecordsFixture::wanted("Next"))->name == "Next");
    }
    CHECK(failures > 12);
}

TEST_CASE("whichever call of a change fails: where it throws the mailbox is as before") {
    std::size_t calls = 1;
    for (unsigned n = 1; n <= calls; ++n) {
        CAPTURE(n);
        RecordsFixture fixture;
        auto keeper = fixture.keeper();
        keeper->load();
        const MailboxId id = keeper->create(RecordsFixture::wanted("Before"))->id;
        std::string expected = "After";
        try {
            unsigned seen = 0;
            const shim::Watch watch([&](const std::string&) {
                calls = std::max<std::size_t>(calls, ++seen);
                return seen == n ? EIO : 0;
            });
            keeper->describe(id, "After", "");
        } catch (const Error&) {
            expected = "Before";
        }
        CHECK(keeper->current()->find(id)->name == expected);
        CHECK(keeper->load()->find(id)->name == expected);
        CHECK(fixture.keeper()->load()->find(id)->name == expected);
    }
    CHECK(calls > 10);
}
