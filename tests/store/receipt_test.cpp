// Lines and file names of receipts: what is written is read again, and nothing else is taken.
#include "gateway/store/receipt.h"

#include <vector>

#include <doctest/doctest.h>

using gateway::MessageId;
using gateway::NodeId;
using gateway::parseReceiptLine;
using gateway::Receipt;
using gateway::ReceiptEvent;
using gateway::ReceiptFileName;
using gateway::WallTime;
using Kind = ReceiptEvent::Kind;

namespace {

const MessageId kId = *MessageId::parse("019aab1c-2d3e-7f40-8a5b-6c7d8e9f0a1b");
const WallTime kTime = *gateway::parseTimestamp("2026-11-22T10:00:00Z");
const NodeId kNode = *NodeId::parse("n-0123456789abcdef0123456789abcdef");
const std::string kSum = "00ff" + std::string(60, 'a');

ReceiptEvent stored() {
    ReceiptEvent event(Kind::Stored, kId, kTime);
    event.file.octets = 77'004;
    event.file.sha256.fill(std::byte{0xaa});
    event.file.sha256[0] = std::byte{0x00};
    event.file.sha256[1] = std::byte{0xff};
    event.peer = "2001:db8::1";
    event.tls = "TLSv1.3/TLS_AES_256_GCM_SHA384";
    return event;
}

std::string storedLine(const std::string& octets, const std::string& sum, const std::string& peer,
                       const std::string& tls) {
    return "stored " + kId.str() + " 2026-11-22T10:00:00Z " + octets + ' ' + sum + ' ' + peer +
           ' ' + tls;
}

std::optional<ReceiptEvent> again(const ReceiptEvent& event) {
    std::string line = lineOf(event);
    REQUIRE(line.ends_with('\n'));
    line.pop_back();
    REQUIRE(line.find('\n') == std::string::npos);
    return parseReceiptLine(line);
}

}  // namespace

TEST_CASE("the line of a stored message is that of postern-formats(5), and is read again") {
    CHECK(lineOf(stored()) ==
          storedLine("77004", kSum, "2001:db8::1", "TLSv1.3/TLS_AES_256_GCM_SHA384") + '\n');
    const auto event = again(stored());
    REQUIRE(event);
    CHECK(event->kind == Kind::Stored);
    CHECK(event->id == kId);
    CHECK(event->at == kTime);
    CHECK(event->file.octets == 77'004);
    CHECK(event->file.sha256 == stored().file.sha256);
    CHECK(event->peer == "2001:db8::1");
    CHECK(event->tls == "TLSv1.3/TLS_AES_256_GCM_SHA384");
}

TEST_CASE("each thing that becomes of a message has a line") {
    for (const auto& [kind, word] :
         {std::pair(Kind::Fetched, "fetched "), std::pair(Kind::Deleted, "deleted "),
          std::pair(Kind::Restored, "restored "), std::pair(Kind::Purged, "purged ")}) {
        const ReceiptEvent event(kind, kId, kTime);
        CHECK(lineOf(event) == word + kId.str() + " 2026-11-22T10:00:00Z\n");
        REQUIRE(again(event));
        CHECK(again(event)->kind == kind);
    }
}

TEST_CASE("what a peer or a cipher is called cannot end a word, a line or a field of CSV") {
    ReceiptEvent event = stored();
    event.peer = "a b\nc,\"d\"";
    event.tls = "";
    REQUIRE(again(event));
    CHECK(again(event)->peer == "a_b_c__d_");
    CHECK(again(event)->tls.empty());
    event.peer = std::string(5000, 'x');
    event.tls = std::string(5000, 'y');
    CHECK(lineOf(event).size() <= gateway::kLongestReceiptLine);
    CHECK(again(event));
}

TEST_CASE("no other line is a receipt") {
    CHECK(parseReceiptLine(storedLine("1", kSum, "::1", "-")));
    const std::vector<std::string> lines{"",
                                         " ",
                                         "stored",
                                         std::string(511, ' '),
                                         std::string(100'000, 'x'),
                                         storedLine("1", kSum, "::1", "-") + ' ',
                                         ' ' + storedLine("1", kSum, "::1", "-"),
                                         storedLine("1", kSum, "::1", "- -"),
                                         storedLine("", kSum, "::1", "-"),
                                         storedLine("-1", kSum, "::1", "-"),
                                         storedLine("1", kSum.substr(1), "::1", "-"),
                                         storedLine("1", kSum + '0', "::1", "-"),
                                         storedLine("1", "zz" + kSum.substr(2), "::1", "-"),
                                         storedLine("1", kSum, "a,b", "-"),
                                         storedLine("1", kSum, "::1", "\"x\""),
                                         storedLine("1", kSum, std::string(101, 'a'), "-"),
                                         storedLine("1", kSum, "::1", std::string(1, '\0')),
                                         "fetched " + kId.str() + " 2026-11-22T10:00:00Z 1",
                                         "fetched " + kId.str(),
                                         "fetched x 2026-11-22T10:00:00Z",
                                         "fetched " + kId.str() + " today",
                                         "eaten " + kId.str() + " 2026-11-22T10:00:00Z",
                                         "stored " + kId.str() + " 2026-11-22T10:00:00Z"};
    for (const std::string& line : lines) {
        CAPTURE(line);
        CHECK_FALSE(parseReceiptLine(line));
    }
}

TEST_CASE("a file's name says its day, node and format") {
    const ReceiptFileName name = ReceiptFileName::at(kTime + std::chrono::hours(13), kNode);
    CHECK(name.str() == "2026-11-22." + kNode.str() + ".v1");
    const auto parsed = ReceiptFileName::parse(name.str());
    REQUIRE(parsed);
    CHECK(parsed->node == kNode);
    CHECK(parsed->format == 1);
    CHECK(parsed->begin() == *gateway::parseTimestamp("2026-11-22T00:00:00Z"));
    REQUIRE(ReceiptFileName::parse("2026-11-22." + kNode.str() + ".v27"));
    CHECK(ReceiptFileName::parse("2026-11-22." + kNode.str() + ".v27")->format == 27);
    const std::vector<std::string> others{"",
                                          ".",
                                          "..",
                                          name.str() + ".",
                                          name.str() + "~",
                                          '.' + name.str(),
                                          "2026-11-31." + kNode.str() + ".v1",
                                          "2026-11-22.v1",
                                          "2026-11-22.n-1.v1",
                                          "2026-11-22." + kNode.str() + ".1",
                                          "2026-11-22." + kNode.str() + ".v",
                                          "2026-11-22." + kNode.str() + ".v123456"};
    for (const std::string& other : others) {
        CAPTURE(other);
        CHECK_FALSE(ReceiptFileName::parse(other));
    }
}

TEST_CASE("a receipt is what its lines tell") {
    const auto at = [](int seconds) { return kTime + std::chrono::seconds(seconds); };
    Receipt receipt(kId);
    receipt.take(ReceiptEvent(Kind::Fetched, kId, at(5)), kNode);
    CHECK_FALSE(receipt.received);
    receipt.take(stored(), kNode);
    CHECK(receipt.received == kTime);
    CHECK(receipt.node == kNode);
    CHECK(receipt.file.octets == 77'004);
    receipt.take(ReceiptEvent(Kind::Fetched, kId, at(9)), kNode);
    CHECK(receipt.fetched == at(5));
    receipt.take(ReceiptEvent(Kind::Deleted, kId, at(10)), kNode);
    CHECK(receipt.deleted == at(10));
    receipt.take(ReceiptEvent(Kind::Restored, kId, at(11)), kNode);
    CHECK_FALSE(receipt.deleted);
    receipt.take(ReceiptEvent(Kind::Deleted, kId, at(12)), kNode);
    receipt.take(ReceiptEvent(Kind::Purged, kId, at(13)), kNode);
    CHECK(receipt.deleted == at(12));
    CHECK(receipt.purged == at(13));
}
