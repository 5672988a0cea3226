// The log of receipts: what was written is read again, whatever a crash, a full disk or another
// writer did; nothing that goes wrong with it reaches whoever writes.
#include "gateway/store/receipt_log.h"

#include <cerrno>
#include <fstream>
#include <sys/stat.h>
#include <thread>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/store/receipt_history.h"
#include "tests/base/syscall_shim.h"
#include "tests/base/temporary_folder.h"

namespace fs = std::filesystem;
using gateway::MailboxId;
using gateway::MessageId;
using gateway::NodeId;
using gateway::Receipt;
using gateway::ReceiptLog;
using gateway::ReceiptsRead;
using gateway::WallTime;

namespace {

class Receipts {
public:
    Receipts() : layout(folder.path()) {}

    ReceiptLog log() {
        return {layout, node, [this] { return now; }};
    }
    MessageId store(ReceiptLog& log) const {
        const MessageId id = MessageId::generate();
        log.stored(mailbox, id, {100, {}}, {"192.0.2.1", ""});
        return id;
    }
    fs::path file() const {
        return layout.receipts(mailbox) / gateway::ReceiptFileName::at(now, node).str();
    }
    std::string text() const { return gateway::readWhole(file(), 1U << 30U); }
    void write(const std::string& text) const {
        fs::create_directories(layout.receipts(mailbox));
        std::ofstream(file(), std::ios::binary) << text;
    }
    ReceiptsRead read() const { return gateway::readReceipts(layout, mailbox); }
    std::vector<MessageId> ids() const {
        std::vector<MessageId> ids;
        for (const Receipt& receipt : read().receipts) {
            ids.push_back(receipt.id);
        }
        return ids;
    }

    shim::TemporaryFolder folder;
    gateway::Layout layout;
    NodeId node = NodeId::generate();
    MailboxId mailbox = MailboxId::generate();
    WallTime now = *gateway::parseTimestamp("2026-11-22T10:00:00Z");
};

using Ids = std::vector<MessageId>;

shim::Watch::Before failWrites(int error) {
    return [error](const std::string& call) { return call.starts_with("write ") ? error : 0; };
}

}  // namespace

TEST_CASE("a mailbox without receipts has none, and nothing is made for it") {
    const Receipts fixture;
    CHECK(fixture.read().receipts.empty());
    CHECK_FALSE(fs::exists(fixture.layout.receipts()));
}

TEST_CASE("a message's life, over days and restarts") {
    Receipts fixture;
    const auto begin = fixture.now;
    MessageId first = MessageId::generate();
    MessageId second = MessageId::generate();
    {
        ReceiptLog log = fixture.log();
        gateway::ReceiptEvent::File file{77'004, {}};
        file.sha256.fill(std::byte{0xab});
        log.stored(fixture.mailbox, first, file, {"192.0.2.1", "TLSv1.3/X"});
        log.stored(fixture.mailbox, second, file, {"import", ""});
        CHECK_FALSE(log.trouble());
    }
    fixture.now += std::chrono::hours(24);
    {
        ReceiptLog log = fixture.log();
        log.fetched(fixture.mailbox, first);
        log.fetched(fixture.mailbox, first);
        log.fetched(fixture.mailbox, second);
        log.deleted(fixture.mailbox, std::array{first, second});
        log.restored(fixture.mailbox, second);
        log.purged(fixture.mailbox, first);
    }
    const auto found = fixture.read().receipts;
    REQUIRE(found.size() == 2);
    CHECK(found[0].id == first);
    CHECK(found[0].received == begin);
    CHECK(found[0].node == fixture.node);
    CHECK(found[0].file.octets == 77'004);
    CHECK(found[0].peer == "192.0.2.1");
    CHECK(found[0].tls == "TLSv1.3/X");
    CHECK(found[0].fetched == fixture.now);
    CHECK(found[0].deleted == fixture.now);
    CHECK(found[0].purged == fixture.now);
    CHECK(found[1].peer == "import");
    CHECK(found[1].tls.empty());
    CHECK_FALSE(found[1].deleted);
    CHECK(fs::status(fixture.file()).permissions() ==
          (fs::perms::owner_read | fs::perms::owner_write));
    const std::string lines = fixture.text();
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 6);  // the second fetch is none
    CHECK(gateway::readReceipts(fixture.layout, fixture.mailbox, begin).receipts.size() == 2);
    const auto later = begin + std::chrono::seconds(1);
    CHECK(gateway::readReceipts(fixture.layout, fixture.mailbox, later).receipts.empty());
}

TEST_CASE("what a crash cut off is taken away before anything is written behind it") {
    Receipts fixture;
    Ids ids;
    {
        ReceiptLog log = fixture.log();
        ids = {fixture.store(log), fixture.store(log)};
    }
    const std::string whole = fixture.text();
    const std::string line = whole.substr(whole.find('\n') + 1);
    for (const std::string& torn :
         {line.substr(0, line.size() - 1), line.substr(0, 1), std::string(10'000, 'x'),
          std::string(4096, '\0'), std::string(4095, '\0')}) {
        CAPTURE(torn.size());
        fixture.write(whole + torn);
        CHECK(fixture.ids() == ids);
        CHECK(fixture.read().damagedLines == 0);
        ReceiptLog log = fixture.log();
        Ids all = ids;
        all.push_back(fixture.store(log));
        CHECK(fixture.ids() == all);
        CHECK(fixture.read().damagedLines == 0);
        CHECK(fixture.text().starts_with(whole + "stored "));
    }
    fixture.write(line.substr(0, 20));  // the very first one
    ReceiptLog log = fixture.log();
    CHECK(fixture.ids().empty());
    const MessageId only = fixture.store(log);
    CHECK(fixture.ids() == Ids{only});
    CHECK(fixture.text().starts_with("stored "));
}

TEST_CASE("the torn file of an earlier day is mended too, and a whole one is left as it is") {
    Receipts fixture;
    const std::string torn = "deleted 019aab1c";
    fixture.write(torn);
    const fs::path earlier = fixture.file();
    fixture.now += std::chrono::hours(24);
    ReceiptLog log = fixture.log();
    fixture.store(log);
    CHECK(fs::file_size(earlier) == 0);
    const std::string before = fixture.text();
    ReceiptLog another = fixture.log();
    fixture.store(another);
    CHECK(fixture.text().starts_with(before));
}

TEST_CASE("lines that are none are passed over, counted, and left where they are") {
    Receipts fixture;
    ReceiptLog log = fixture.log();
    const MessageId first = fixture.store(log);
    const std::string before = fixture.text();
    fixture.write(before + "nonsense\n\n" + std::string(200'000, 'x') + "\n" +
                  std::string(100, '\0') + "\n");
    ReceiptLog again = fixture.log();
    const MessageId second = fixture.store(again);
    CHECK(fixture.ids() == Ids{first, second});
    CHECK(fixture.read().damagedLines == 4);
}

TEST_CASE("files of other nodes, newer formats and strangers: read, named, left alone") {
    Receipts fixture;
    ReceiptLog log = fixture.log();
    const MessageId first = fixture.store(log);
    const NodeId own = fixture.node;
    fixture.node = NodeId::generate();
    ReceiptLog other = fixture.log();
    const MessageId second = fixture.store(other);
    other.fetched(fixture.mailbox, first);  // its file was moved there by hand
    const fs::path folder = fixture.layout.receipts(fixture.mailbox);
    const fs::path newer = folder / ("2026-11-22." + own.str() + ".v2");
    std::ofstream(newer) << "something";
    std::ofstream(folder / "notes.txt") << "something";
    const ReceiptsRead read = fixture.read();
    REQUIRE(read.receipts.size() == 2);
    CHECK(read.receipts[0].node == own);
    CHECK(read.receipts[0].fetched == fixture.now);
    CHECK(read.receipts[1].id == second);
    CHECK(read.receipts[1].node == fixture.node);
    CHECK(read.newer == std::vector<fs::path>{newer});
    CHECK(read.damagedLines == 0);
    CHECK(gateway::readWhole(newer, 100) == "something");
}

TEST_CASE("many at once lose no line and mix none") {
    Receipts fixture;
    ReceiptLog log = fixture.log();
    constexpr int kThreads = 8;
    constexpr int kEach = 50;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < kEach; ++n) {
                const MessageId id = fixture.store(log);
                log.fetched(fixture.mailbox, id);
                log.deleted(fixture.mailbox, std::span(&id, 1));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const ReceiptsRead read = fixture.read();
    CHECK(read.damagedLines == 0);
    REQUIRE(read.receipts.size() == std::size_t{kThreads} * kEach);
    for (const Receipt& receipt : read.receipts) {
        CHECK((receipt.received && receipt.fetched && receipt.deleted));
    }
}

TEST_CASE("a full disk costs receipts only, leaves no part of one, and ends by itself") {
    Receipts fixture;
    ReceiptLog log = fixture.log();
    const MessageId first = fixture.store(log);
    const std::string before = fixture.text();
    {
        const shim::Watch full(failWrites(ENOSPC));
        fixture.store(log);
        fixture.store(log);
        REQUIRE(log.trouble());
        CHECK(log.trouble()->lines == 2);
        CHECK(log.trouble()->cause.find("No space left") != std::string::npos);
    }
    {
        unsigned writes = 0;  // half of a line fits
        const shim::Watch nearlyFull([&](const std::string& call) {
            return !call.starts_with("write ") ? 0
                   : ++writes % 2 == 1         ? shim::Watch::kShort
                                               : ENOSPC;
        });
        fixture.store(log);
        CHECK(log.trouble()->lines == 3);
    }
    CHECK(fixture.text() == before);
    const MessageId last = fixture.store(log);
    CHECK_FALSE(log.trouble());
    CHECK(fixture.ids() == Ids{first, last});
}

TEST_CASE("each call that fails costs that line at most, and what is there stays") {
    for (const int error : {EIO, EACCES, shim::Watch::kShort}) {
        for (unsigned n = 1; n < 12; ++n) {
            CAPTURE(error);
            CAPTURE(n);
            Receipts fixture;
            ReceiptLog log = fixture.log();
            {
                const shim::Watch watch(shim::failNth(n, error));
                fixture.store(log);
            }
            const MessageId second = fixture.store(log);
            const Ids ids = fixture.ids();
            REQUIRE_FALSE(ids.empty());
            CHECK(ids.back() == second);
            CHECK(fixture.read().damagedLines == 0);
            CHECK_FALSE(log.trouble());
        }
    }
}

TEST_CASE("what lies in the way is said, and no mail waits for it") {
    Receipts fixture;
    ReceiptLog log = fixture.log();
    fs::create_directories(fixture.layout.receipts());
    std::ofstream(fixture.layout.receipts(fixture.mailbox)) << "a file in its place";
    fixture.store(log);
    CHECK(log.trouble());
    fs::remove(fixture.layout.receipts(fixture.mailbox));
    fs::create_directories(fixture.layout.receipts(fixture.mailbox));
    REQUIRE(::mkfifo(fixture.file().c_str(), 0600) == 0);  // nobody ever reads it
    fixture.store(log);
    CHECK(log.trouble()->lines == 2);
    CHECK_THROWS_AS(fixture.read(), gateway::Error);
    fs::remove(fixture.file());
    const fs::path elsewhere = fixture.folder.path() / "elsewhere";
    std::ofstream(elsewhere) << "another's, without a newline";
    fs::create_symlink(elsewhere, fixture.file());
    fixture.store(log);
    CHECK(gateway::readWhole(elsewhere, 100) == "another's, without a newline");
    fs::remove_all(fixture.layout.receipts());  // also under a log that has written there
    const MessageId last = fixture.store(log);
    CHECK_FALSE(log.trouble());
    fs::remove_all(fixture.layout.receipts());
    const MessageId more = fixture.store(log);
    CHECK(fixture.ids() == Ids{more});
}

TEST_CASE("days that are over are dropped, of every node, and nothing else") {
    Receipts fixture;
    ReceiptLog log = fixture.log();
    const fs::path folder = fixture.layout.receipts(fixture.mailbox);
    fixture.store(log);
    const fs::path first = fixture.file();
    std::ofstream(folder / "2020-01-01.notes.v1") << "not ours";
    const fs::path newer = folder / ("2020-01-01." + NodeId::generate().str() + ".v2");
    std::ofstream(newer) << "a newer format, as old";
    const MailboxId silent = MailboxId::generate();
    log.stored(silent, MessageId::generate(), {}, {});
    constexpr std::chrono::hours kKeep{7 * 24};
    fixture.now = *gateway::parseTimestamp("2026-11-30T00:00:00Z");  // its day ended 7 days ago
    fixture.store(log);
    CHECK(log.dropOld(kKeep) == 1);
    CHECK(fs::exists(first));
    CHECK_FALSE(fs::exists(newer));
    fixture.now += std::chrono::seconds(1);
    CHECK(log.dropOld(kKeep) == 2);
    CHECK_FALSE(fs::exists(first));
    CHECK(fs::exists(folder / "2020-01-01.notes.v1"));
    CHECK(fs::exists(fixture.file()));
    CHECK_FALSE(fs::exists(fixture.layout.receipts(silent)));
    CHECK(log.dropOld(kKeep) == 0);
    log.stored(silent, MessageId::generate(), {}, {});  // in a folder that is gone
    CHECK_FALSE(log.trouble());
    CHECK(gateway::readReceipts(fixture.layout, silent).receipts.size() == 1);
}

TEST_CASE("where none are to be kept there is no log") {
    const Receipts fixture;
    CHECK_FALSE(ReceiptLog::make(fixture.layout, fixture.node, std::chrono::seconds(0)));
    CHECK(ReceiptLog::make(fixture.layout, fixture.node, std::chrono::seconds(1)));
}
