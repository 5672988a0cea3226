// What was consumed is wiped wherever it lay, and what is held survives every move.
#include "gateway/net/input_buffer.h"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

using gateway::net::InputBuffer;

namespace {

void put(InputBuffer& buffer, std::string_view text) {
    REQUIRE(buffer.room().size() >= text.size());
    std::ranges::copy(text, buffer.room().begin());
    buffer.add(text.size());
}

/// All of the buffer's memory from its beginning, which is where its room is once nothing is held.
std::string memoryOf(InputBuffer& buffer) {
    buffer.consume(buffer.text().size());
    return {buffer.room().begin(), buffer.room().end()};
}

}  // namespace

TEST_CASE("what is held survives consuming, moving and resizing") {
    InputBuffer buffer(8);
    put(buffer, "abcdefgh");
    CHECK(buffer.room().empty());
    buffer.consume(3);
    CHECK(buffer.text() == "defgh");
    buffer.compact();
    CHECK(buffer.text() == "defgh");
    CHECK(buffer.room().size() == 3);
    put(buffer, "ijk");
    CHECK(buffer.text() == "defghijk");
    buffer.resize(20);
    CHECK(buffer.text() == "defghijk");
    CHECK(buffer.room().size() == 12);
    buffer.resize(4);  // too small for what is held
    CHECK(buffer.text() == "defghijk");
    CHECK(buffer.size() == 8);
}

TEST_CASE("no consumed octet is left behind, also where a move overlaps its old place") {
    InputBuffer buffer(8);
    put(buffer, "secretXY");
    SUBCASE("consumed") {}
    SUBCASE("moved by less than it is long") {
        buffer.consume(2);
        buffer.compact();
        CHECK(buffer.text() == "cretXY");
    }
    SUBCASE("moved by more than it is long") {
        buffer.consume(6);
        buffer.compact();
        CHECK(buffer.text() == "XY");
    }
    CHECK(memoryOf(buffer) == std::string(8, '\0'));
}
