// Web accounts as their file has them: read again where it changed, and where reading it failed.
#include "gateway/web_accounts.h"

#include <cerrno>

#include <doctest/doctest.h>

#include "gateway/base/durable_file.h"
#include "gateway/base/log.h"
#include "tests/base/syscall_shim.h"
#include "tests/base/temporary_folder.h"

namespace {

struct House {
    shim::TemporaryFolder folder;
    gateway::Layout layout{folder.path()};
    std::shared_ptr<webui::SetupLink> link =
        std::make_shared<webui::SetupLink>(layout, "https://gw.example:8450/");
    gateway::WebAccounts accounts{layout, link, true};
    unsigned long long before = 0;  ///< the last line of another test

    House() {
        gateway::log::start();
        before = gateway::log::newest();
        gateway::makeDurableDirectory(layout.config());
        gateway::makeDurableDirectory(link->file().parent_path());
    }
    ~House() { gateway::log::stop(); }
    House(const House&) = delete;
    House& operator=(const House&) = delete;
    void makeAccount() const {
        webui::Admins admins;
        admins.create("anna", crypto::Password("correct horse battery"), gateway::WallTime());
        admins.save(layout);
    }
    /// Whether there was something to take over.
    bool look() {
        auto found = accounts.look();
        const bool some = found.has_value();
        accounts.takeOver(std::move(found));
        return some;
    }
    /// Looks while every call that begins so fails.
    void lookDespite(const std::string& call, int error) {
        const shim::Watch watch(
            [&](const std::string& made) { return made.starts_with(call) ? error : 0; });
        look();
    }
    std::size_t linesWith(const std::string& text) const {
        std::size_t count = 0;
        for (const auto& line : gateway::log::tail(before)) {
            count += line.text.find(text) != std::string::npos ? 1 : 0;
        }
        return count;
    }
};

}  // namespace

TEST_CASE("the file is read again only where it changed") {
    House house;
    CHECK(house.look());
    CHECK(house.link->isOpen());
    CHECK(!house.look());
    house.makeAccount();
    CHECK(house.look());
    CHECK(house.accounts.admins()->hasAccount("anna"));
    CHECK(!house.link->isOpen());
    CHECK(!house.look());
}

TEST_CASE("a file that could not be read for a moment is read as soon as it can be") {
    House house;
    house.makeAccount();
    house.lookDespite("open " + house.layout.admins().native(), EMFILE);
    CHECK(house.accounts.admins() == nullptr);
    house.lookDespite("open " + house.layout.admins().native(), EMFILE);
    CHECK(house.linesWith("nobody can log in") == 1);
    CHECK(house.look());
    REQUIRE(house.accounts.admins() != nullptr);
    CHECK(house.accounts.admins()->hasAccount("anna"));
    CHECK(house.linesWith("the trouble with web accounts is over") == 1);
    CHECK(!house.look());
}

TEST_CASE("accounts and tokens count also where the link cannot be written; it is tried again") {
    House house;
    house.lookDespite("fsync", ENOSPC);
    CHECK(house.accounts.admins() != nullptr);
    CHECK(!house.link->isOpen());
    CHECK(house.linesWith("nobody can log in") == 0);
    CHECK(house.linesWith("set-up link") == 1);
    CHECK(house.look());
    CHECK(house.link->isOpen());
}
