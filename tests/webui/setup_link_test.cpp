// The set-up link: who can read it, that it outlives a restart, and what fits it.
#include "webui/setup_link.h"

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "tests/base/temporary_folder.h"

namespace {

struct House {
    shim::TemporaryFolder folder;
    gateway::Layout layout{folder.path()};
    webui::SetupLink link{layout, "https://gw.example:8450/"};

    std::string text() const { return gateway::readWhole(link.file(), 4096); }
    unsigned mode() const {
        struct stat found{};
        REQUIRE(::lstat(link.file().c_str(), &found) == 0);
        return found.st_mode & 07777U;
    }
};

}  // namespace

TEST_CASE("only its owner can read the link, and a restart leaves it as it is") {
    House house;
    const std::string secret = house.link.prepare();
    CHECK(secret.size() == 48);
    CHECK(house.text() == "https://gw.example:8450/#setup=" + secret + "\n");
    CHECK(house.mode() == 0600);
    CHECK(house.link.prepare() == secret);
    webui::SetupLink renamed(house.layout, "https://other.example:8450/");
    CHECK(renamed.prepare() == secret);
    CHECK(house.text() == "https://other.example:8450/#setup=" + secret + "\n");
    CHECK(house.link.remove());
    CHECK(!house.link.remove());
    CHECK(house.link.prepare() != secret);
}

TEST_CASE("a link that others could have read or written is no link of ours") {
    House house;
    const std::string secret = house.link.prepare();
    REQUIRE(::chmod(house.link.file().c_str(), 0640) == 0);
    const std::string next = house.link.prepare();
    CHECK(next != secret);
    CHECK(house.mode() == 0600);
    for (const std::string& text : {std::string("nonsense"), "#setup=" + std::string(47, 'a'),
                                    "#setup=" + std::string(48, 'g'), std::string("#setup=")}) {
        gateway::writeDurably(house.link.file(), text);
        const std::string made = house.link.prepare();
        CHECK(made.size() == 48);
        CHECK(made.find_first_not_of("0123456789abcdef") == std::string::npos);
    }
}

TEST_CASE("nothing fits a link that is closed") {
    House house;
    CHECK(!house.link.isOpen());
    CHECK(!house.link.fits(""));
    const std::string secret = house.link.prepare();
    CHECK(!house.link.fits(secret));
    house.link.open(secret);
    CHECK(house.link.fits(secret));
    CHECK(!house.link.fits(secret + "0"));
    CHECK(!house.link.fits(""));
    house.link.close();
    CHECK(!house.link.fits(secret));
}
