// When mail last came and went, kept over a restart; a file that is not ours costs nothing else.
#include "gateway/watch/mailbox_times.h"

#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "tests/base/temporary_folder.h"

namespace {

using gateway::Layout;
using gateway::MailboxId;
using gateway::MailboxTimes;
using gateway::WallTime;

const WallTime kNow = gateway::parseTimestamp("2026-11-22T10:00:00Z").value();
const MailboxId kOne = MailboxId::parse("mbx-0123456789abcdef0123456789abcdef").value();
const MailboxId kOther = MailboxId::parse("mbx-ffffffffffffffffffffffffffffffff").value();

void write(const Layout& layout, const std::string& text) {
    gateway::makeDurableDirectory(layout.state());
    std::ofstream(layout.state() / "mailbox-times.toml") << text;
}

}  // namespace

TEST_CASE("the times come back from their file") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    gateway::makeDurableDirectory(layout.state());
    CHECK(MailboxTimes::load(layout) == MailboxTimes());
    MailboxTimes times;
    times.received(kOne, kNow);
    times.fetched(kOther, kNow + std::chrono::hours(1));
    times.save(layout);
    const MailboxTimes read = MailboxTimes::load(layout);
    CHECK(read == times);
    CHECK(read.of(kOne).received == kNow);
    CHECK(!read.of(kOne).fetched);
    CHECK(read.of(kOther).fetched == kNow + std::chrono::hours(1));
    CHECK(read.of(MailboxId::generate()) == MailboxTimes::Times());
    MailboxTimes().save(layout);
    CHECK(MailboxTimes::load(layout) == MailboxTimes());
}

TEST_CASE("a damaged file is forgotten and replaced, one of a newer format is left as it is") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    for (const char* damaged :
         {"", "format = 1\n[[mail", "format = 1\nmailbox = 3\n", "format = 1\nmailbox = [3]\n",
          "format = 1\n[[mailbox]]\naddress = 3\n", "format = 0\n",
          "format = 1\n[[mailbox]]\naddress = \"mbx-1\"\nreceived = 3\n"}) {
        CAPTURE(damaged);
        write(layout, damaged);
        MailboxTimes times = MailboxTimes::load(layout);
        CHECK(times == MailboxTimes());
        times.received(kOne, kNow);
        times.save(layout);
        CHECK(MailboxTimes::load(layout) == times);
    }
    write(layout, "format = 2\n");
    MailboxTimes times = MailboxTimes::load(layout);
    times.received(kOne, kNow);
    times.save(layout);
    std::ifstream file(layout.state() / "mailbox-times.toml");
    CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == "format = 2\n");
}
