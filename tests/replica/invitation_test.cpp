// The line that pairs two nodes, and the file that remembers it.
#include "gateway/replica/invitation.h"

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/error.h"
#include "gateway/base/text.h"
#include "gateway/replica/twins_file.h"
#include "tests/base/temporary_folder.h"

using namespace gateway;
using namespace gateway::replica;

namespace {

crypto::VerifyKey someKey() { return crypto::SigningKey::generate().verifyKey(); }

Invitation someInvitation() {
    Invitation invitation(NodeId::generate(), someKey());
    invitation.url = "https://msgw1.example.com:8450";
    invitation.fingerprint = std::string(64, 'a');
    invitation.token = crypto::SecretBuffer(octetsOf("postern_0123456789abcdef"));
    return invitation;
}

}  // namespace

TEST_CASE("an invitation comes out as it went in, whatever blanks a mail has put around it") {
    const Invitation made = someInvitation();
    for (const std::string& line :
         {made.line(), made.line() + "\r\n", "  " + made.line() + "  \n"}) {
        std::string why;
        const auto read = Invitation::parse(line, why);
        REQUIRE_MESSAGE(read, why);
        CHECK(read->url == made.url);
        CHECK(read->fingerprint == made.fingerprint);
        CHECK(read->node == made.node);
        CHECK(read->key == made.key);
        CHECK(read->token.text() == made.token.text());
    }
}

TEST_CASE("an invitation that lost a part is refused with words") {
    const std::string line = someInvitation().line();
    std::string why;
    for (std::size_t at = 0; at < line.size(); at += 7) {
        why.clear();
        const auto read = Invitation::parse(line.substr(0, at), why);
        const bool lostOnlyOfToken = at > line.rfind(' ') + 1;
        CHECK((lostOnlyOfToken || (!read && !why.empty())));
    }
    CHECK_FALSE(Invitation::parse(line + " more", why));
    CHECK_FALSE(Invitation::parse(std::string(10'000, 'x'), why));
    std::string plain = line;
    plain.replace(plain.find("https"), 5, "http:");
    CHECK_FALSE(Invitation::parse(plain, why));
}

TEST_CASE("addresses of twins, and fingerprints in the forms that people copy") {
    CHECK(parseTwinUrl("https://a.example:8450/") == "https://a.example:8450");
    CHECK(parseTwinUrl("https://[2001:db8::1]:8450") == "https://[2001:db8::1]:8450");
    for (const char* url : {"http://a.example", "https://", "https://a/b", "https://u@a",
                            "https://a?b", "ftp://a", "https://a b", "https://a\r\nX: y"}) {
        CHECK_FALSE(parseTwinUrl(url));
    }
    std::string colons;
    for (int i = 0; i < 32; ++i) {
        colons += (i > 0 ? ":" : "") + std::string("Ab");
    }
    CHECK(parseFingerprint(colons) == parseFingerprint(std::string("ab") + colons.substr(2)));
    CHECK(parseFingerprint(colons)->size() == 64);
    CHECK_FALSE(parseFingerprint("ab"));
    CHECK_FALSE(parseFingerprint(std::string(64, 'g')));
    CHECK(pinOf("").empty());
    CHECK(pinOf(std::string(64, '0')) == "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
}

TEST_CASE("the file of twins keeps what is put into it, one entry a node") {
    const shim::TemporaryFolder folder;
    const Layout layout(folder.path());
    CHECK(TwinsFile::load(layout).twins().empty());
    TwinsFile file;
    JoinedTwin twin(NodeId::generate(), someKey());
    twin.name = "msgw2.example.com";
    twin.url = "https://msgw2.example.com:8450";
    file.put(twin);
    twin.url = "https://elsewhere.example.com:8450";
    file.put(twin);
    JoinedTwin other(NodeId::generate(), someKey());
    other.name = twin.name;
    file.put(other);
    file.save(layout);
    const TwinsFile read = TwinsFile::load(layout);
    REQUIRE(read.twins().size() == 2);
    CHECK(read.find(twin.node.str())->url == twin.url);
    CHECK(read.find(twin.url)->node == twin.node);
    CHECK_FALSE(read.find("msgw2.example.com"));  // two are called so
    CHECK_FALSE(read.find(""));
    writeDurably(layout.twins(), "format = 1\n[[twin]]\nnode = \"x\"\n");
    CHECK_THROWS_AS(TwinsFile::load(layout), Error);
    writeDurably(layout.twins(), "format = 2\n");
    CHECK_THROWS_AS(TwinsFile::load(layout), Error);
}
