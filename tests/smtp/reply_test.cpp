// How replies look on the wire.
#include "smtp/reply.h"

#include <doctest/doctest.h>

using smtp::Reply;

TEST_CASE("one line, RFC 5321 4.2") {
    CHECK(Reply(250, "2.1.5", "Recipient ok").wire() == "250 2.1.5 Recipient ok\r\n");
    CHECK(Reply(220, "", "host ESMTP").wire() == "220 host ESMTP\r\n");
}

TEST_CASE("the enhanced code stands on every line, RFC 2034 4") {
    CHECK(Reply(214, "2.0.0", "a\nb").wire() == "214-2.0.0 a\r\n214 2.0.0 b\r\n");
    CHECK(Reply(250, "", "host\nSIZE 1\nSTARTTLS").wire() ==
          "250-host\r\n250-SIZE 1\r\n250 STARTTLS\r\n");
}

TEST_CASE("no text breaks a line, leaves ASCII or exceeds 512 octets") {
    CHECK(Reply(550, "5.1.1", "a\r\tb\x7F\xC3\xBC").wire() == "550 5.1.1 a??b???\r\n");
    const std::string wire = Reply(550, "5.1.1", std::string(1000, 'x')).wire();
    CHECK(wire.size() == 512);
    CHECK(wire.ends_with("x\r\n"));
}
