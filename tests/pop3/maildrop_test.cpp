// Numbers, sizes and marks of a maildrop, up to sizes that no sum of 64 bits holds.
#include "pop3/maildrop.h"

#include <doctest/doctest.h>

using pop3::Entry;
using pop3::Maildrop;
using pop3::OctetSum;

namespace {

Maildrop maildrop(const std::vector<std::uint64_t>& sizes) {
    std::vector<Entry> entries;
    for (const std::uint64_t size : sizes) {
        entries.emplace_back(gateway::MessageId::generate(), size);
    }
    return Maildrop(std::move(entries));
}

}  // namespace

TEST_CASE("a sum stays exact above 2^64 and on the way back") {
    OctetSum sum;
    sum.add(UINT64_MAX);
    CHECK(sum.value() == UINT64_MAX);
    sum.add(1);
    CHECK(sum.value() == UINT64_MAX);
    sum.add(UINT64_MAX);
    CHECK(sum.value() == UINT64_MAX);
    sum.subtract(UINT64_MAX);
    sum.subtract(UINT64_MAX);
    CHECK(sum.value() == 1);
    sum.subtract(1);
    CHECK(sum.value() == 0);
}

TEST_CASE("messages are found by their numbers until they are marked") {
    Maildrop drop = maildrop({10, 20, 30});
    CHECK(drop.find(1) == 0);
    CHECK(drop.find(3) == 2);
    CHECK_FALSE(drop.find(0));
    CHECK_FALSE(drop.find(4));
    CHECK_FALSE(drop.find(UINT64_MAX));
    drop.mark(1);
    CHECK_FALSE(drop.find(2));
    CHECK(drop.find(3) == 2);
    CHECK_FALSE(Maildrop().find(1));
}

TEST_CASE("count and octets leave marked messages out, each once") {
    Maildrop drop = maildrop({10, 20, 30});
    drop.mark(2);
    drop.mark(0);
    drop.mark(2);
    CHECK(drop.count() == 1);
    CHECK(drop.octets() == 20);
    CHECK(drop.marked() == std::vector<std::size_t>{0, 2});
    drop.unmarkAll();
    CHECK(drop.count() == 3);
    CHECK(drop.octets() == 60);
    CHECK(drop.marked().empty());
    CHECK(drop.find(1) == 0);
}
